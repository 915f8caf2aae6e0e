"""A wrong password.

The gateway proves itself by a certificate. The user's password for EAP-MSCHAPv2 is wrong, and the
gateway ends the rounds of IKE_AUTH with an EAP failure.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("eap-failed",),
    keyed="eap-failed",
    keyed_acceptable=("auth-failed",),
    sees="several rounds of IKE_AUTH, as EAP has them, that end with an answer of the least size; nothing "
    "follows it, no ESP either.",
    sees_keyed="EAP-MSCHAPv2 after the gateway's certificate, and EAP Failure at its end.",
)


def build(lab):
    lab.suite("aes256-sha256-ecp256", "aes256gcm16")
    lab.eap(password="little goat")
    lab.road()


def story(lab):
    lab.up()
    lab.wait(1)
    lab.down()
