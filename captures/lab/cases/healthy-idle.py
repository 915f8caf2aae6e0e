"""Nothing is wrong: a long idle tunnel.

The tunnel comes up, four pings pass, and then for a minute nothing but liveness checks, every ten
seconds, by both sides. Four pings at the end show that it works still.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways at the beginning and at the end; between them a minute of small INFORMATIONAL "
    "exchanges, all answered.",
    sees_keyed="they are empty.",
)


def build(lab):
    lab.both(dpd_delay="10s")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.wait(62)
    lab.ask(4)
    lab.down()
