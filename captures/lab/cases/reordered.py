"""The path brings ESP out of order.

One packet in eight takes a detour of some milliseconds and arrives behind later ones.
"""

from kit import Expect

expect = Expect(
    sealed="esp-reordering",
    sealed_acceptable=("healthy",),
    also=("esp-reordering",),
    sees="sequence numbers below the highest seen, none of them missing in the end.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(swap=0.12, late=0.06)


def story(lab):
    lab.up()
    lab.ask(250, every=0.02, size=400)
    lab.wait(1)
    lab.down()
