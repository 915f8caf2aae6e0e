"""Nothing is wrong: EAP-MD5.

The gateway proves itself by a certificate, the user by EAP-MD5, a method that makes no key, so that
the last AUTH payloads are made of the key of the IKE SA (RFC 7296 section 2.16).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="answered rounds of IKE_AUTH, then ESP both ways.",
    sees_keyed="EAP-MD5, and success at its end.",
)


def build(lab):
    lab.eap("md5")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
