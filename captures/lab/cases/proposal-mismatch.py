"""No IKE proposal in common.

The office offers 3DES with SHA-1 and MODP-1024, or AES-128-CBC with SHA-1 and MODP-1536. The cloud
takes AES-256-GCM with SHA-384 and ECP-384 alone, and refuses each of three attempts.
"""

from kit import Expect

expect = Expect(
    sealed="ike-proposal-mismatch",
    sees="three times IKE_SA_INIT, answered at once by NO_PROPOSAL_CHOSEN, in clear.",
)


def build(lab):
    lab.office.connection["proposals"] = "3des-sha1-modp1024,aes128-sha1-modp1536"


def story(lab):
    lab.up()
    lab.wait(3)
    lab.up()
    lab.wait(5)
    lab.up()
