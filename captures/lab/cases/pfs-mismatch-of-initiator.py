"""The initiator wants a group for child SAs, the responder renews without one.

The office asks for PFS, which does not show in IKE_AUTH: there is no group. The cloud renews the child SA and
names none; the office refuses that until the old SA has run out.
"""

from kit import Expect

expect = Expect(
    sealed="rekey-failed",
    sealed_acceptable=("pfs-mismatch",),
    keyed="pfs-mismatch",
    sees="CREATE_CHILD_SA of the responder answered by messages with room for one notify, while ESP flows; then a "
    "delete.",
    sees_keyed="NO_PROPOSAL_CHOSEN to the algorithms that the refuser itself offered in IKE_AUTH.",
)


def build(lab):
    lab.suite("aes256-sha256-modp2048", "aes256-sha256")
    lab.office.child.update(esp_proposals="aes256-sha256-modp2048", rekey_time="0s")
    lab.cloud.child.update(rekey_time="12s", life_time="22s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(60, every=0.5)
