"""Nothing is wrong: IPv4 in a tunnel of IPv6.

The gateways talk IPv6, the LANs IPv4. Pings of two sizes, liveness checks, a delete.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE and ESP in IPv6, both ways, and answered liveness checks.",
    sees_keyed="selectors and inner packets of IPv4.",
)


def build(lab):
    lab.outside6()
    lab.both(dpd_delay="4s")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.ask(3, size=900)
    lab.wait(6)
    lab.ask(4, side=lab.cloud)
    lab.down()
