"""The initiator's daemon dies behind a NAT.

The cloud sits behind a masquerade and has set the tunnel up. Its daemon is killed; its host answers what still comes
through the NAT by ICMP port unreachable, which the NAT translates. Recorded at the office.
"""

from kit import Expect

expect = Expect(
    sealed="ike-port-unreachable",
    sealed_acceptable=("esp-blocked", "dpd-timeout"),
    also=("nat-detected",),
    sees="IKE from one port of the NAT and then from another, ESP in UDP both ways, then that of the office alone, "
    "and ICMP port unreachable for its ESP and its liveness checks.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.daemons(keep_alive="6s")
    lab.office.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.cloud.address)


def story(lab):
    lab.up(side=lab.cloud)
    lab.ask(15)
    lab.cloud.kill()
    lab.ask(40, every=0.5)
