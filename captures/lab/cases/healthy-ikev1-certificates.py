"""Nothing is wrong: IKEv1 with certificates.

Main mode with RSA signatures. Its fifth and sixth messages carry certificates, are too large for a
packet and come in IKEv1 fragments ([MS-IKEE] section 2.2.3).
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="main mode whose last two messages come in fragments, quick mode, ESP both ways, informational "
    "messages at the end.",
    sees_keyed="certificates and signatures in those two messages, deletes at the end.",
)


def build(lab):
    lab.ikev1()
    lab.certify()


def story(lab):
    lab.up()
    lab.ask(4)
    lab.down()
