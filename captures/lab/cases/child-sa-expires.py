"""A child SA lives out its time, and another follows at once.

Rekeying is off at both sides; a child SA lives for 14 seconds. When it ends the office makes another, so
that traffic pauses for a moment only.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("sa-expired",),
    sees="a pair of SPIs every 14 seconds, each made only after the one before is deleted.",
)


def build(lab):
    lab.children(rekey_time="0s", life_time="14s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(150)
