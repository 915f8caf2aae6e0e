"""libreswan as responder: different pre-shared keys.

The office's key is not that of libreswan, which refuses it in IKE_AUTH.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("psk-mismatch",),
    keyed="psk-mismatch",
    keyed_acceptable=("auth-failed",),
    sees="IKE_AUTH answered by a message that has room for one notify.",
    sees_keyed="AUTHENTICATION_FAILED to an AUTH payload of the shared-key method.",
)


def build(lab):
    lab.cloud.secret = "correct donkey battery staple"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
