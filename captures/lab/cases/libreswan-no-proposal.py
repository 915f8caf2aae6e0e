"""libreswan as responder: no IKE proposal in common.

The office offers AES-CBC with SHA-1 and group 2; libreswan's connection wants SHA-256 and group 19.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="ike-proposal-mismatch",
    sees="IKE_SA_INIT refused by NO_PROPOSAL_CHOSEN in clear.",
)


def build(lab):
    lab.office.connection["proposals"] = "aes128-sha1-modp1024"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
