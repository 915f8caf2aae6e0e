"""IKEv1: different pre-shared keys.

Main mode gets to message 5, which the cloud cannot read.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="psk-mismatch",
    sealed_acceptable=("auth-failed",),
    sees="main mode stops at message 5: it is sent again, or answered by a small informational in clear.",
)


def build(lab):
    lab.ikev1("aes256-sha256-modp2048")
    lab.cloud.secrets["ike"]["secret"] = '"correct donkey battery staple"'


def story(lab):
    lab.up(timeout=14)
