"""No ESP proposal in common.

The office offers AES-CBC-128 with HMAC-SHA1 for ESP, the cloud takes AES-GCM-256 alone. The IKE SA
is made, the child SA is refused. The office's LAN talks all the same, and what it says leaves in
clear, for want of a policy.
"""

from kit import Expect

expect = Expect(
    sealed="child-setup-failed",
    keyed="child-proposal-mismatch",
    sees="an answer to IKE_AUTH that has room for identity, AUTH and a notify, not for a child SA; "
    "no ESP; pings between private addresses in clear, unanswered.",
    sees_keyed="the answer holds NO_PROPOSAL_CHOSEN beside IDr and AUTH; the offer of the request is in "
    "clear view.",
)


def build(lab):
    lab.office.child["esp_proposals"] = "aes128-sha1"


def story(lab):
    lab.up()
    lab.ask(3)
    lab.wait(2)
