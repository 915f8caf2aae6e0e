"""Child SAs end after so many octets.

The office rekeys a child SA whenever it has carried 20 kilobytes.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("volume-rekey",),
    sees="SAs that end after about the same number of octets at very different ages.",
)


def build(lab):
    lab.office.child.update(rekey_bytes="20000", life_bytes="40000", rand_bytes="0")


def story(lab):
    lab.up()
    for pause in (0.05, 0.15, 0.05, 0.25, 0.1):
        lab.ask(40, every=pause, size=500)
    lab.wait(1)
    lab.down()
