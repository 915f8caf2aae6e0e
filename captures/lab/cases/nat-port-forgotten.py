"""A NAT forgets the port that it gave.

The office sits behind a masquerade that forgets a silent flow after three seconds, and the office sends
no keepalives. After nine idle seconds its ESP leaves from another port, and what the cloud answers goes
to the old port, where the NAT refuses it. The office's next liveness check repairs it (RFC 4555).
"""

from kit import Expect

expect = Expect(
    sealed="peer-address-changed",
    sealed_acceptable=("esp-blocked",),
    also=("nat-detected",),
    sees="ESP of the same SPI from a new port, answers to the old one, and an ICMP port unreachable "
    "of the NAT for each; INFORMATIONAL exchanges from the new port, after which all is well.",
    sees_keyed="UPDATE_SA_ADDRESSES, and echo requests whose replies were refused.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.office.connection["dpd_delay"] = "6s"
    lab.daemons(keep_alive="0s")
    lab.net.masquerade(lab.office.address, forgets=3)


def story(lab):
    lab.up()
    lab.ask(6)
    lab.wait(9)
    lab.ask(30)
    lab.down()
