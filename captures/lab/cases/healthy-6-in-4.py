"""Nothing is wrong: IPv6 in a tunnel of IPv4.

The gateways talk IPv4, the LANs IPv6. Pings of two sizes, a rekeyed child SA, a delete.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a tunnel like any other: the outside is IPv4, and nothing shows what is inside.",
    sees_keyed="selectors and inner packets of IPv6.",
)


def build(lab):
    lab.inside6()


def story(lab):
    lab.up()
    lab.ask6(5)
    lab.ask6(3, size=900)
    lab.rekey()
    lab.ask6(4, side=lab.cloud)
    lab.down()
