"""The peer expects another identity.

The office calls itself office.example.net, the cloud expects office.example.org.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    keyed="id-mismatch",
    keyed_acceptable=("auth-failed",),
    sees="IKE_AUTH answered by a message that has room for one notify: refused, the reason sealed.",
    sees_keyed="AUTHENTICATION_FAILED, and the identities IDi and IDr that the office sent.",
)


def build(lab):
    lab.office.local["id"] = "office.example.net"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
