"""IKEv1: a client is given no address, and what it asks for without one is taken back.

The office asks for an address in mode config and the cloud has no pool. The office asks for a child SA under its outside
address, which the cloud grants; then it cannot install the policies for it, and deletes it at once.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-setup-failed",
    keyed="address-assignment-failed",
    sees="quick modes of three messages, each followed at once by an informational message of the cloud, and no ESP.",
    sees_keyed="an empty CFG_REPLY, quick mode for 203.0.113.18, and the Delete of its SPI.",
)


def build(lab):
    lab.ikev1()
    lab.office.connection["vips"] = "0.0.0.0"
    lab.office.child["local_ts"] = lab.cloud.child["remote_ts"] = "dynamic"


def story(lab):
    lab.up(timeout=8)
    lab.wait(3)
    lab.up(timeout=8)
    lab.wait(6)
