"""A key exchange that only one side wants, IKEv1.

Main mode succeeds. Quick mode comes without a key exchange, and the cloud wants one (PFS, group 14).
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-setup-failed",
    keyed="pfs-mismatch",
    keyed_acceptable=("child-proposal-mismatch",),
    sees="main mode, a short first message of quick mode, and an informational message in place of the "
    "second; no ESP; pings between private addresses in clear, unanswered.",
    sees_keyed="the offer has no group and no key exchange, the answer says NO-PROPOSAL-CHOSEN. Whether the "
    "group or an algorithm displeases, no packet says.",
)


def build(lab):
    lab.ikev1()
    lab.cloud.child["esp_proposals"] = "aes128-sha256-modp2048"


def story(lab):
    lab.up(timeout=8)
    lab.ask(3)
    lab.wait(2)
