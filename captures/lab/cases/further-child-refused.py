"""Two child SAs come up, the third is refused.

The office asks for three child SAs. For the third the cloud has other algorithms and refuses it by
NO_PROPOSAL_CHOSEN, twice; the first goes on.
"""

from kit import Expect

expect = Expect(
    sealed="child-setup-failed",
    keyed="child-proposal-mismatch",
    sees="a CREATE_CHILD_SA that makes a child SA, and two as large that are answered by one notification each, "
    "while ESP goes on: no rekeying, for that takes 12 octets more.",
    sees_keyed="NO_PROPOSAL_CHOSEN to the algorithms that were granted for other addresses, without a group too.",
)


def build(lab):
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")
    lab.another("three", "172.20.18.0/24", "172.20.50.0/24")
    lab.cloud.children["three"]["esp_proposals"] = "aes128-sha256"


def story(lab):
    lab.up()
    lab.up("two")
    lab.ask(8)
    lab.up("three")
    lab.wait(1)
    lab.up("three")
    lab.ask(10)
