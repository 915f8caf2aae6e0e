"""Nothing is wrong: IPv6 in a tunnel of IPv6.

Gateways and LANs talk IPv6. The IKE SA is rekeyed on the way, then the child SA.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE and ESP in IPv6, both ways; two CREATE_CHILD_SA exchanges, and new SPIs after each.",
    sees_keyed="selectors and inner packets of IPv6.",
)


def build(lab):
    lab.outside6()
    lab.inside6()


def story(lab):
    lab.up()
    lab.ask6(5)
    lab.rekey_ike()
    lab.ask6(3, size=700)
    lab.rekey()
    lab.ask6(4)
    lab.down()
