"""Nothing is wrong: large pings, cut up before encryption.

The inner MTU is 1400, so pings of 3000 octets travel in three IP fragments, each in an ESP packet of
its own. All arrive and are answered.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP packets in threes, two of the largest size and a small one, both ways.",
    sees_keyed="IP fragments inside, which all arrive.",
)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.ask(5, every=0.5, size=3000)
    lab.ask(4)
    lab.down()
