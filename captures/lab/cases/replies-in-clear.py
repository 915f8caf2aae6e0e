"""Answers leave in clear.

After a few pings the cloud loses its routes into the tunnel. What the office asks still arrives in ESP, and
the answers of the cloud's LAN leave by the default route, in clear. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("clear-text-leak",),
    keyed="clear-text-leak",
    sees="ESP of the office that goes on, none of the cloud any more, and as many echo replies between private "
    "addresses in clear, which may be taken for decrypted packets that Linux shows again.",
    sees_keyed="that the replies belong into the tunnel, and go the other way than the ESP that they would be copies of.",
)


def build(lab):
    lab.tap = lab.cloud


def story(lab):
    lab.up()
    lab.ask(4)
    lab.cloud("ip route flush table 220")
    lab.ask(40)
    lab.wait(1)
