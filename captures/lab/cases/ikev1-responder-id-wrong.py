"""IKEv1: the responder is not who the initiator expects.

The cloud calls itself other.example.org in main mode. The office has proved itself by then; it deletes the
ISAKMP SA as soon as it has read message 6, and says no reason.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("id-mismatch",),
    keyed="auth-failed",
    keyed_acceptable=("id-mismatch",),
    sees="six messages of main mode, an informational message of the initiator at once, no quick mode; twice.",
    sees_keyed="the identity of the responder, and that the informational message is a Delete of the ISAKMP SA.",
)


def build(lab):
    lab.ikev1()
    lab.cloud.local["id"] = "fqdn:other.example.org"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
