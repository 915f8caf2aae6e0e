"""Two pre-shared keys.

The two sides hold different pre-shared keys. IKE_SA_INIT goes well, IKE_AUTH is refused. The office
tries twice.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("psk-mismatch",),
    keyed="auth-failed",
    keyed_acceptable=("psk-mismatch",),
    sees="IKE_SA_INIT that is answered in full, then IKE_AUTH that is answered at once by a message "
    "of the size of a single notify; no child SA, no ESP, and the same again four seconds "
    "later.",
    sees_keyed="the request authenticates by a shared key, the answer is AUTHENTICATION_FAILED. Which of "
    "key and identity is wrong, no packet says.",
)


def build(lab):
    lab.cloud.secrets["ike"]["secret"] = '"correct horse battery stable"'


def story(lab):
    lab.up()
    lab.wait(4)
    lab.up()
