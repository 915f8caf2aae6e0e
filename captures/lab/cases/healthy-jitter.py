"""Nothing is wrong: slight jitter, slight reordering.

The net takes between 20 and 24 ms each way, and delays one ESP packet of a hundred by four more, so
that a few overtake each other. All arrive.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a sequence number that comes after its successor here and there, none missing for good.",
    sees_keyed="every echo request has its reply.",
)


def build(lab):
    lab.net.wire(delay=0.02, jitter=0.004, swap=0.01)


def story(lab):
    lab.up()
    lab.ask(250, every=0.005, size=40)
    lab.wait(1)
    lab.down()
