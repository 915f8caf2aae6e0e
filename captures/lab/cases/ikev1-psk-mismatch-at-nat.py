"""IKEv1: different pre-shared keys, recorded on all links of the NAT between.

Whatever passes the NAT is in the recording twice, before its addresses are translated and after: the first message
has two senders, and the responder answers to the second.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="psk-mismatch",
    sealed_acceptable=("auth-failed",),
    sees="main mode under two addresses of the initiator; message 5 again and again, each time answered by an "
    "informational message.",
    sees_keyed="each message opened by a key of its sender, and PAYLOAD-MALFORMED in the answers.",
)


def build(lab):
    lab.middle = True
    lab.ikev1("aes256-sha1-modp2048", "aes256-sha1")
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.office.secrets["ike"]["secret"] = '"correct donkey battery staple"'


def story(lab):
    lab.up(timeout=16)
