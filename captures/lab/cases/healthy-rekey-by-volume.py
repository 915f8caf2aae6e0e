"""Nothing is wrong: child SAs end by volume.

The office rekeys a child SA after 7000 octets, not after a time. A steady stream of pings uses
several up, without losing one.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("volume-rekey",),
    sees="pairs of SPIs that follow each other after about the same number of octets.",
    sees_keyed="the same, and every rekey is the office's.",
)


def build(lab):
    lab.office.child.update(rekey_bytes=7000, life_bytes=20000, rand_bytes=0)


def story(lab):
    lab.up()
    lab.ask(18, every=0.4, size=800)
    lab.ask(20, every=0.2, size=700)
    lab.ask(8, every=0.5, size=1000)
    lab.down()
