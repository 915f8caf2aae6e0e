"""Nothing is wrong: ECDSA certificates.

Both sides authenticate by ECDSA with P-384, in digital signatures of RFC 7427.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH larger than with a shared key, which may fit a packet or come in fragments; ESP both "
    "ways.",
    sees_keyed="certificates and digital signatures.",
)


def build(lab):
    lab.certify("ecdsa-384")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey()
    lab.ask(3)
    lab.down()
