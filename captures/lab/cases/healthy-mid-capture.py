"""Nothing is wrong: a capture that begins late.

The tunnel was up and used before the tap records. The capture begins amid pings, sees liveness
checks, a rekey, and no beginning and no end.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways whose first sequence numbers are not 1, IKE of an SA whose beginning is not there, "
    "a new pair of SPIs that takes over. Nothing is known of the suite, and nothing is missing.",
    sees_keyed="the keys of the log open what the capture holds.",
)


def build(lab):
    lab.both(dpd_delay="4s")


def before(lab):
    lab.up()
    lab.ask(5)


def story(lab):
    lab.ask(6)
    lab.wait(6)
    lab.rekey(side=lab.cloud)
    lab.ask(6)
    lab.wait(5)
