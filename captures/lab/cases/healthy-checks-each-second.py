"""Nothing is wrong: a liveness check each second, by both.

Both sides are configured to ask after one second of silence, and the tunnel is silent mostly.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="small INFORMATIONAL exchanges by both sides about every second, all answered at once, and "
    "some ESP.",
    sees_keyed="they are empty.",
)


def build(lab):
    lab.both(dpd_delay="1s")


def story(lab):
    lab.up()
    lab.ask(3)
    lab.wait(8)
    lab.ask(3, every=2)
    lab.wait(6)
    lab.down()
