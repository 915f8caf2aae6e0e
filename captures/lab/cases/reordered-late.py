"""A recording that begins amid packets which overtake each other.

One packet in ten takes a detour of nearly half a second. When the taps begin to record, some that were overtaken before
are still under way: their numbers lie below those of the first packet, and of those between nothing is known.
"""

import threading

from kit import Expect

expect = Expect(
    sealed="esp-reordering",
    sealed_acceptable=("healthy",),
    also=("esp-reordering",),
    sees="sequence numbers below the first that came; of those between most came before the recording began.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(swap=0.1, late=0.4)


def before(lab):
    lab.up()
    lab.asking = threading.Thread(target=lambda: lab.ask(190, every=0.012, size=24))
    lab.asking.start()
    lab.wait(1)


def story(lab):
    lab.asking.join()
    lab.wait(1)
    lab.down()
