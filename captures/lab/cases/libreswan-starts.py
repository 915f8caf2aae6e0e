"""libreswan is the initiator, and its offer is refused.

libreswan starts from the cloud with its list of proposals; the office shares none of them.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="ike-proposal-mismatch",
    sees="IKE_SA_INIT of another make, with several proposals of many transforms, refused in clear.",
)


def build(lab):
    lab.cloud.connection["ike"] = "aes_gcm256-sha2_384-ecp_384,aes256-sha2_512-modp4096"
    lab.office.connection["proposals"] = "aes128-sha256-modp3072"


def story(lab):
    lab.cloud.up()
    lab.wait(8)
