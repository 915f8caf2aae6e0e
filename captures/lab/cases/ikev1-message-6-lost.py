"""IKEv1: the answer to the authentication does not come back.

Two libreswan with a NAT between them. Message 5 of main mode goes to UDP 4500 and arrives; message 6 leaves the
cloud and is dropped on the way, each time. Recorded at the cloud, where phase 1 looks complete.
"""

from kit import Expect

needs = "libreswan-both"
expect = Expect(
    sealed="ike-one-way",
    also=("nat-detected",),
    sees="message 5 of main mode again and again after message 6, which is sent again each time, and no quick mode.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["right"] = "%any"
    for side in lab.sides:
        side.setup["ikev1-policy"] = "accept"
        side.connection.update(keyexchange="ikev1", ike="aes256-sha1-modp2048", esp="aes256-sha2_256")
    lab.lose("iifname cloud udp sport 4500")


def story(lab):
    lab.office.up()
    lab.wait(18)
