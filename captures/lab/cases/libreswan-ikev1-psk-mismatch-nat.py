"""libreswan in IKEv1 behind a NAT: different pre-shared keys.

Since a NAT is there, message 5 of main mode goes to UDP 4500. It arrives at libreswan, which cannot read it,
says nothing of it and sends message 4 again. Recorded at the cloud: at the office nothing tells this from a
filter on UDP 4500.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="psk-mismatch",
    sealed_acceptable=("auth-failed",),
    also=("nat-detected",),
    sees="message 5 of main mode, which arrives at port 4500 again and again, and message 4 again for an answer.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.masquerade(lab.office.address)
    lab.ikev1_of_libreswan("aes128-sha1-modp2048")
    lab.cloud.connection["right"] = "%any"
    lab.cloud.secret = "correct donkey battery staple"


def story(lab):
    lab.up(timeout=14)
