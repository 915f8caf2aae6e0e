"""The path loses all for half a second, again and again.

Every three seconds the net drops everything for 0.6 seconds, both ways. Pings go on all the while, twelve a second.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("packet-loss",),
    keyed="packet-loss",
    both="packet-loss",
    sees="steady packets, and pauses of half a second in what comes in return, which might as well be a voice that is "
    "silent for a moment. The other tap has gaps in the numbers.",
    sees_keyed="rows of echo requests without replies, again and again, and no number missing of what comes back.",
)


def story(lab):
    lab.up()
    lab.together(lambda: lab.ask(170, every=0.08), lambda: bursts(lab))
    lab.down()


def bursts(lab):
    for _ in range(5):
        lab.wait(2)
        lab.lose("meta l4proto { esp, udp }")
        lab.wait(0.6)
        lab.heal()
