"""Nothing is wrong: one packet in a hundred and fifty is lost.

The net swallows a single ESP packet towards the office. A hundred and fifty pings have one reply less.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="one missing sequence number among 150, as any path has it now and then.",
    sees_keyed="one echo request without a reply.",
)


def story(lab):
    lab.up()
    lab.ask(90, every=0.03, size=24)
    lab.lose(f"ip saddr {lab.cloud.address} ip protocol esp quota until 120 bytes")
    lab.ask(60, every=0.03, size=24)
    lab.down()
