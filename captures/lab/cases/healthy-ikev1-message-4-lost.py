"""Nothing is wrong: message 4 of main mode is lost once.

The office says message 3 again, and gets its answer.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="message 3 of main mode twice, message 4, and all that follows.",
)


def build(lab):
    lab.ikev1()
    lab.lose("iifname cloud udp length > 300 quota until 500 bytes")


def story(lab):
    lab.up()
    lab.ask(8)
    lab.down()
