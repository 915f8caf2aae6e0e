"""Nothing is wrong: Ed25519 certificates.

Both sides authenticate by Ed25519 (RFC 8420), with ChaCha20-Poly1305 in IKE and ESP.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a tunnel like any other, its IKE_AUTH somewhat larger.",
    sees_keyed="certificates and digital signatures.",
)


def build(lab):
    for side in lab.sides:
        side.plug("chapoly")
    lab.suite("chacha20poly1305-prfsha256-x25519", "chacha20poly1305")
    lab.certify("ed25519")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey()
    lab.ask(3)
    lab.down()
