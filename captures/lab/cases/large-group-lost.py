"""The attempt with the group that was asked for does not arrive.

The office begins with X25519; the cloud wants MODP-8192, whose public value makes the message larger than what a
device on the way lets pass.
"""

from kit import Expect

expect = Expect(
    sealed="dh-group-mismatch",
    sealed_acceptable=("ike-no-response",),
    sees="IKE_SA_INIT answered by INVALID_KE_PAYLOAD, and one with that group again and again, which is not answered.",
)


def build(lab):
    lab.office.connection["proposals"] = "aes256-sha256-x25519-modp8192"
    lab.cloud.connection["proposals"] = "aes256-sha256-modp8192"
    for side in lab.sides:
        side.plug("curve25519")
    lab.lose("iifname office udp length > 1000")


def story(lab):
    lab.up()
    lab.wait(8)
