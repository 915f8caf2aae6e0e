"""IKEv1 in aggressive mode: two pre-shared keys.

The cloud authenticates itself by message 2, made with its own key; the office does not believe it and says so
instead of sending message 3.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("psk-mismatch",),
    also=("weak-crypto",),
    sees="aggressive mode of two messages, and an informational message of the office where the third should be.",
    sees_keyed="AUTHENTICATION-FAILED of the office.",
)


def build(lab):
    lab.ikev1()
    lab.both(aggressive="yes")
    lab.daemons(i_dont_care_about_security_and_use_aggressive_mode_psk="yes")
    lab.cloud.secrets["ike"] = {"secret": '"correct donkey battery staple"'}


def story(lab):
    lab.up(timeout=8)
