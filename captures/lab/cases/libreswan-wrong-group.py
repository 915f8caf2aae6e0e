"""libreswan asks for another group, and gets it.

The office's first guess is group 20 with 19 as its second choice; libreswan has 19 alone. It answers
INVALID_KE_PAYLOAD, and the second attempt goes on. Then the child SA fails for want of a kernel.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("peer-internal-error",),
    keyed="peer-internal-error",
    also=("dh-group-retry",),
    sees="IKE_SA_INIT, INVALID_KE_PAYLOAD in clear, IKE_SA_INIT with the other group, an answer.",
)


def build(lab):
    lab.office.connection["proposals"] = "aes256-sha256-ecp384-ecp256"


def story(lab):
    lab.up(timeout=8)
    lab.wait(2)
