"""Nothing is wrong: IKEv2 with a pre-shared key.

A tunnel comes up by IKEv2 and is used: pings of two sizes, a liveness check every four seconds, a
rekeyed child SA, and at the end a delete that is answered.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a negotiation that ends well, ESP in both directions without a gap, answered liveness checks, a "
    "second pair of SPIs that takes over from the first, an answered delete.",
    sees_keyed="the same, and what was agreed: selectors, algorithms, identities.",
)


def build(lab):
    lab.both(dpd_delay="4s")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.ask(2, size=900)
    lab.wait(9)
    lab.rekey()
    lab.ask(6, size=200)
    lab.wait(5)
    lab.down()
