"""A key exchange that only one side wants.

The office's ESP proposal has no key exchange, the cloud's has one. The first child SA, made in
IKE_AUTH, needs none and works; each rekey, in CREATE_CHILD_SA, is refused.
"""

from kit import Expect

expect = Expect(
    sealed="rekey-failed",
    sealed_acceptable=("pfs-mismatch",),
    keyed="pfs-mismatch",
    keyed_acceptable=("rekey-failed", "child-proposal-mismatch"),
    sees="a tunnel that works, then CREATE_CHILD_SA of a size without a key exchange, answered by a "
    "single notify, twice; ESP goes on under the old SPIs.",
    sees_keyed="requests to rekey, without a group and without a key exchange, answered by "
    "NO_PROPOSAL_CHOSEN, where the same algorithms were agreed on in IKE_AUTH.",
)


def build(lab):
    lab.suite("aes128-sha256-ecp256", "aes128-sha256")
    lab.cloud.child["esp_proposals"] = "aes128-sha256-ecp256"


def story(lab):
    lab.up()
    lab.ask(4)
    lab.rekey()
    lab.wait(1)
    lab.ask(4)
    lab.rekey()
    lab.wait(2)
    lab.down()
