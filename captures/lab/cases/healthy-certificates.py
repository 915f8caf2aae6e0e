"""Nothing is wrong: RSA certificates, in IKE fragments.

Both sides authenticate with RSA keys of 3072 bits and certificates of one root, so that both messages
of IKE_AUTH are too large for a packet and come in fragments (RFC 7383).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH in fragments, each numbered and none repeated, then ESP both ways and an answered delete.",
    sees_keyed="the fragments together hold certificates and signatures.",
)


def build(lab):
    lab.suite("aes128-sha256-ecp256", "aes128-sha256")
    lab.certify()


def story(lab):
    lab.up()
    lab.ask(4)
    lab.down()
