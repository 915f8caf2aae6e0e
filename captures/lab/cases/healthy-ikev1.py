"""Nothing is wrong: IKEv1.

Main mode and quick mode with a pre-shared key, AES-CBC and PFS. Pings pass both ways, both sides ask
each other for a sign of life (RFC 3706) while the tunnel is idle, and at the end the office deletes
the ESP SA and the ISAKMP SA.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="main mode of six messages, quick mode of three, ESP both ways, pairs of small informational "
    "messages, and two more at the end.",
    sees_keyed="R-U-THERE and its ACK with the same number, and deletes of both SAs.",
)


def build(lab):
    lab.ikev1(esp="aes128-sha1-modp2048")
    lab.both(dpd_delay="5s")


def story(lab):
    lab.up()
    lab.ask(8, every=0.4)
    lab.ask(3, every=0.5, size=700)
    lab.wait(12)
    lab.ask(4, every=0.4, size=300)
    lab.down()
