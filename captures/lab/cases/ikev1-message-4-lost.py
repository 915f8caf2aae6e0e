"""IKEv1: message 4 of main mode does not come back.

libreswan, the cloud, answers message 3 of main mode, and large packets of it are lost on the way. Recorded at the
office, which has message 2 and nothing more.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="ike-auth-no-response",
    both="ike-one-way",
    sees="messages 1 and 2 of main mode, and message 3 again and again without an answer.",
)


def build(lab):
    lab.ikev1_of_libreswan()
    lab.lose("iifname cloud udp length > 300")


def story(lab):
    lab.up()
    lab.wait(12)
