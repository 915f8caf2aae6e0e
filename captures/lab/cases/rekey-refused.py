"""The first child works, each rekeying is refused, and the SA runs out.

Only the cloud wants a key exchange for child SAs. The child of IKE_AUTH has none by nature and works; its
rekeying is refused until its lifetime ends, when the tunnel stands without a child.
"""

from kit import Expect

expect = Expect(
    sealed="rekey-failed",
    sealed_acceptable=("pfs-mismatch",),
    keyed="pfs-mismatch",
    keyed_acceptable=("rekey-failed",),
    sees="CREATE_CHILD_SA answered by messages with room for one notify, while ESP flows; then a delete.",
    sees_keyed="NO_PROPOSAL_CHOSEN to a proposal without a group.",
)


def build(lab):
    lab.office.child.update(esp_proposals="aes256gcm16", rekey_time="12s", life_time="22s", rand_time="0s")
    lab.cloud.child.update(esp_proposals="aes256gcm16-ecp256", rekey_time="0s")


def story(lab):
    lab.up()
    lab.ask(60, every=0.5)
