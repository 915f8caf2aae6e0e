"""libreswan in IKEv1: different pre-shared keys.

Main mode gets to message 5, which libreswan cannot read; it says nothing, or PAYLOAD_MALFORMED.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="psk-mismatch",
    sealed_acceptable=("auth-failed",),
    sees="main mode stops at message 5, which is sent again and again.",
)


def build(lab):
    lab.ikev1_of_libreswan("aes256-sha256-modp2048")
    lab.cloud.secret = "correct donkey battery staple"


def story(lab):
    lab.up(timeout=14)
