"""IKEv1: libreswan begins, and its identity is not known.

The pre-shared keys are equal. The office, strongSwan, has a connection for another identity than the cloud's: it refuses
message 5 and forgets the IKE SA. libreswan heeds no refusal and sends message 5 again and again.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="auth-failed",
    keyed="auth-failed",
    keyed_acceptable=("id-mismatch",),
    sees="main mode up to message 5, one informational message in its place, and message 5 again and again.",
    sees_keyed="the identity of the cloud, and AUTHENTICATION-FAILED.",
)


def build(lab):
    lab.ikev1_of_libreswan()
    lab.office.remote["id"] = "branch.example.org"


def story(lab):
    lab.cloud.up()
    lab.wait(25)
