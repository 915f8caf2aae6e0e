"""The peer asks for a group that we do not offer.

The office offers group 19 alone for a proposal that the cloud has with group 14 alone.
"""

from kit import Expect

expect = Expect(
    sealed="ike-proposal-mismatch",
    sealed_acceptable=("dh-group-mismatch",),
    sees="IKE_SA_INIT with one group refused in clear; the offer is printed, the peer's is not.",
)


def build(lab):
    lab.office.connection["proposals"] = "aes256gcm16-prfsha384-ecp256"
    lab.cloud.connection["proposals"] = "aes256gcm16-prfsha384-modp2048"


def story(lab):
    lab.up(timeout=6)
    lab.wait(2)
    lab.up(timeout=6)
