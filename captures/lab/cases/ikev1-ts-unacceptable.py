"""None of the addresses asked for, IKEv1.

Main mode succeeds. The identities of quick mode name 172.20.96.0/24, which the cloud does not have.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-setup-failed",
    keyed="ts-unacceptable",
    sees="main mode, the first message of quick mode, and an informational message in place of the second; "
    "no ESP; pings between private addresses in clear, unanswered.",
    sees_keyed="that message says INVALID-ID-INFORMATION; the identities of quick mode are in clear view.",
)


def build(lab):
    lab.ikev1()
    lab.office.child["remote_ts"] = "172.20.96.0/24"


def story(lab):
    lab.up(timeout=8)
    lab.ask(3)
    lab.wait(2)
