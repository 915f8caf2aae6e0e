"""The cloud agrees to the child SA and cannot install it.

Both sides want transport mode, which ESP in user space does not know: the cloud accepts the offer, fails to install the
SA, and answers IKE_AUTH by NO_PROPOSAL_CHOSEN alone, without its identity and its proof. The office, to which nobody
proved anything, ends the IKE SA. A kernel without the modules of ESP does the same to tunnel mode.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("child-setup-failed",),
    keyed="child-proposal-mismatch",
    keyed_acceptable=("child-setup-failed", "peer-internal-error"),
    sees="IKE_AUTH answered by a message with room for one notification: refused, the reason sealed.",
    sees_keyed="NO_PROPOSAL_CHOSEN without the identity and the proof that stand beside it where the offer alone is "
    "refused, and AUTHENTICATION_FAILED of the office for want of them.",
)


def build(lab):
    lab.children(mode="transport")
    for side in lab.sides:
        del side.child["local_ts"], side.child["remote_ts"]


def story(lab):
    lab.up(timeout=6)
    lab.wait(2)
    lab.up(timeout=6)
