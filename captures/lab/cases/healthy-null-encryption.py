"""Nothing is wrong: ESP that authenticates and does not encrypt.

NULL with HMAC-SHA2-256, as it is used where encryption is not allowed or not wanted (RFC 2410). Pings
and TCP are there to be read by anyone.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP whose payload is plain: echo requests with their replies, a TCP connection that closes.",
    sees_keyed="NULL was agreed on, by both.",
)


def build(lab):
    lab.children(esp_proposals="null-sha256")


def story(lab):
    lab.cloud.serve(8080)
    lab.up()
    lab.ask(5)
    lab.fetch(3000)
    lab.rekey()
    lab.ask(5, size=500)
    lab.down()
