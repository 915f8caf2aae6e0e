"""libreswan on both sides, IKEv1 in aggressive mode: different pre-shared keys.

The initiator finds the hash of message 2 wrong and says so in clear, since the two have no keys in common.
"""

from kit import Expect

needs = "libreswan-both"
expect = Expect(
    sealed="psk-mismatch",
    sees="message 2 of aggressive mode, answered by INVALID-HASH-INFORMATION in clear.",
)


def build(lab):
    for side in lab.sides:
        side.setup["ikev1-policy"] = "accept"
        side.connection.update(
            keyexchange="ikev1", aggressive="yes", ike="aes256-sha1-modp2048", esp="aes256-sha2_256"
        )
    lab.cloud.secret = "correct donkey battery staple"


def story(lab):
    lab.office.up()
    lab.wait(6)
