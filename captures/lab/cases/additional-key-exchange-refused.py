"""Renewals of the child SA ask for an additional key exchange, and the peer has none.

Both have Curve25519 for child SAs, the office ML-KEM-768 besides (RFC 9370). IKE_AUTH has no key exchange of its own,
so the first child SA comes up; each renewal is refused, and the SA runs out.
"""

from kit import Expect

needs = "ml-kem"
expect = Expect(
    sealed="pfs-mismatch",
    sealed_acceptable=("rekey-failed", "child-setup-failed", "sa-expired"),
    keyed="pfs-mismatch",
    keyed_acceptable=("child-proposal-mismatch", "rekey-failed"),
    sees="CREATE_CHILD_SA with room for a public value, answered by one notification, again and again.",
    sees_keyed="an offer of Curve25519 and ML-KEM-768, and NO_PROPOSAL_CHOSEN: which of the two it is about the capture "
    "does not tell.",
)


def build(lab):
    lab.both(proposals="aes256gcm16-prfsha384-x25519")
    lab.office.child["esp_proposals"] = "aes256gcm16-x25519-ke1_mlkem768"
    lab.cloud.child["esp_proposals"] = "aes256gcm16-x25519"
    lab.office.child.update(rekey_time="4s", life_time="14s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(50)
