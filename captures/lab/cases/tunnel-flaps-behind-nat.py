"""A tunnel that comes and goes, with the initiator behind a NAT.

Four times the net drops everything for some seconds, and liveness checks go unanswered at both ends. The cloud then
tries to begin anew itself, and the NAT refuses port 500, which it gave to nobody; the office, behind it, begins as
soon as the path is back. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="tunnel-flapping",
    sealed_acceptable=("dpd-timeout", "path-outage"),
    also=("nat-detected",),
    sees="four negotiations within a minute and a half, each after unanswered liveness checks, and ICMP port "
    "unreachable of the NAT for what the cloud begins.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.daemons(retransmit_timeout=0.8, retransmit_base=1.3, retransmit_tries=3, keep_alive="6s")
    lab.both(dpd_delay="2s", unique="replace")
    lab.children(dpd_action="restart")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.office.address)


def story(lab):
    lab.up()
    for _ in range(4):
        lab.ask(8)
        lab.lose("meta l4proto { udp, esp }")
        lab.ask(9, every=1)
        lab.heal()
        lab.wait(6)
    lab.ask(8)
