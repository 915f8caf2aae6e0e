"""Nothing is wrong: an active and a standby tunnel.

The cloud has two addresses and the office a tunnel to each, with subnets of its own. One is used, the
other has liveness checks and waits.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two IKE SAs with two addresses, answered liveness checks in both; ESP both ways with one "
    "of them, none with the other, which is not asked for any.",
    sees_keyed="selectors that do not overlap.",
)


def build(lab):
    lab.both(dpd_delay="4s")
    lab.cloud("ip address add 203.0.113.35/28 dev wan")
    for side, here, there in (lab.office, 17, 49), (lab.cloud, 49, 17):
        spare = {**side.child, "local_ts": f"172.20.{here}.0/24", "remote_ts": f"172.20.{there}.0/24"}
        side.alias(f"172.20.{here}.1")
        side.connections["standby"] = {**side.connection, "children": {"spare": spare}}
    lab.office.connections["standby"]["remote_addrs"] = "203.0.113.35"
    lab.cloud.connections["standby"]["local_addrs"] = "203.0.113.35"


def story(lab):
    lab.up()
    lab.up("spare")
    lab.ask(6)
    lab.wait(11)
    lab.rekey()
    lab.ask(6)
    lab.down()
