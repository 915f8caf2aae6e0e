"""libreswan agrees and then cannot install the SA.

The kernel of the cloud has no ESP. libreswan authenticates the office, finds a proposal, fails to install
the child SA and says so: the IKE SA stands, the child is refused.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("peer-internal-error",),
    keyed="peer-internal-error",
    sees="IKE_AUTH answered by a message that has room for IDr and AUTH, not for a child SA, and no ESP.",
    sees_keyed="TEMPORARY_FAILURE beside AUTH.",
)


def story(lab):
    lab.up(timeout=8)
    lab.wait(2)
