"""Two tunnels for the same addresses, and the peer holds one at a time.

The office has tunnels to two addresses of the cloud, by the same identities and for the same selectors. The
cloud behaves as gateways do that hold one IKE SA for an identity: when one comes up it deletes the other.
"""

from kit import Expect

expect = Expect(
    sealed="duplicate-tunnel",
    sees="two peers whose child SAs never live together: each success at one is followed by a delete at the "
    "other, four times.",
    sees_keyed="the same selectors at both.",
)


def build(lab):
    lab.cloud("ip address add 203.0.113.35/28 dev wan")
    for side, key in ((lab.office, "remote_addrs"), (lab.cloud, "local_addrs")):
        other = {**side.connection, key: "203.0.113.35"}
        other["children"] = {"lan2": dict(side.child)}
        side.connections["peer2"] = other


def story(lab):
    for _ in range(3):
        lab.up("lan")
        lab.cloud.vici("--terminate", "--ike", "peer2", "--timeout", "2")
        lab.ask(5)
        lab.up("lan2")
        lab.cloud.vici("--terminate", "--ike", "peer", "--timeout", "2")
        lab.ask(5)
