"""No address to give.

A user authenticates with EAP-MSCHAPv2 and asks for an address in a configuration payload; the
gateway has no pool. The IKE SA is made, the child SA is not.
"""

from kit import Expect

expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("address-assignment-failed",),
    keyed="address-assignment-failed",
    keyed_acceptable=("child-setup-failed",),
    sees="rounds of IKE_AUTH as EAP has them, a last response too short for a child SA, no ESP at all; "
    "then the initiator deletes the IKE SA. That the child failed shows, why it did stays sealed.",
    sees_keyed="the last response of IKE_AUTH has AUTH and INTERNAL_ADDRESS_FAILURE where a configuration "
    "payload, SA and selectors should stand.",
)


def build(lab):
    lab.suite("aes256-sha256-ecp256", "aes256gcm16")
    lab.eap()
    lab.road(pool=None)


def story(lab):
    lab.up()
    lab.wait(1)
    lab.down()
