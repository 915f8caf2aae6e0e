"""No ESP proposal in common, IKEv1.

Main mode succeeds. Quick mode offers AES-CBC-128 with HMAC-SHA1, the cloud takes AES-CBC-256 with
HMAC-SHA2-256 alone.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-setup-failed",
    keyed="child-proposal-mismatch",
    sees="main mode, the first message of quick mode, and an informational message in place of the second; "
    "no ESP; pings between private addresses in clear, unanswered.",
    sees_keyed="that message says NO-PROPOSAL-CHOSEN; the offer of quick mode is in clear view.",
)


def build(lab):
    lab.ikev1(esp="aes128-sha1")
    lab.cloud.child["esp_proposals"] = "aes256-sha256"


def story(lab):
    lab.up(timeout=8)
    lab.ask(3)
    lab.wait(2)
