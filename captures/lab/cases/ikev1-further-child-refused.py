"""IKEv1: one child SA works, a further one is refused.

The office has a second pair of subnets that the cloud does not know. It asks for it again and again, and the first
child SA goes on all the while.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("rekey-failed", "healthy"),
    keyed="ts-unacceptable",
    sees="quick modes that are answered by an informational message, beside ESP that goes on both ways. Whether they are "
    "to renew it or to add to it stays sealed.",
    sees_keyed="INVALID-ID-INFORMATION for other subnets than those of the child SA that works.",
)


def build(lab):
    lab.ikev1()
    lab.another("lab", "172.20.17.0/24", "172.20.49.0/24")
    lab.cloud.children["lab"]["local_ts"] = "172.20.90.0/24"


def story(lab):
    lab.up()
    lab.ask(10)
    for _ in range(3):
        lab.up("lab", timeout=3)
        lab.ask(6)
    lab.ask(10)
    lab.down()
