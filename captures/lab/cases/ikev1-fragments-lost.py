"""IKEv1: message 5 comes in IKE fragments, and the large one is lost.

RSA certificates make message 5 of main mode large. The office cuts it in two ([MS-IKEE] section 2.2.3); the net
drops UDP packets above 1000 octets.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="ike-fragments-lost",
    sealed_acceptable=("ike-auth-no-response", "mtu-black-hole"),
    sees="main mode 1 to 4, then message 5 in two fragments, again and again, unanswered. The other tap has the second "
    "of them alone.",
)


def build(lab):
    lab.ikev1()
    lab.certify()
    lab.lose("udp length > 1000")


def story(lab):
    lab.up(timeout=16)
