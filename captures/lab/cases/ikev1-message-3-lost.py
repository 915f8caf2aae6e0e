"""IKEv1: message 3 of main mode does not arrive.

The cloud answers message 1 of main mode, and large packets of the office are lost on the way. Recorded at the
office, which has message 2 and nothing more.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="ike-auth-no-response",
    sees="messages 1 and 2 of main mode, and message 3 again and again without an answer.",
)


def build(lab):
    lab.cloud.setup["ikev1-policy"] = "accept"
    lab.cloud.connection.update(keyexchange="ikev1", ike="aes256-sha1-modp2048", esp="aes256-sha2_256")
    lab.office.connection.update(version=1, proposals="aes256-sha1-modp2048")
    lab.office.child.update(esp_proposals="aes256-sha256")
    lab.lose("iifname office udp length > 300")


def story(lab):
    lab.up()
    lab.wait(12)
