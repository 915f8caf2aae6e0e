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
    lab.ikev1_of_libreswan()
    lab.lose("iifname office udp length > 300")


def story(lab):
    lab.up()
    lab.wait(12)
