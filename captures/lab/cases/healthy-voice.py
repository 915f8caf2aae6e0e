"""Nothing is wrong: a telephone call.

Datagrams of 172 octets every 20 ms in both directions, for five seconds, as a call makes them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP of one size at one rate in both directions, which begins and ends within moments of "
    "each other.",
    sees_keyed="UDP of one flow each way.",
)


def story(lab):
    for side in lab.sides:
        side.traffic("count", side.lan, 16384)
    lab.up()
    lab.wait(1)
    for side, other in (lab.sides, lab.sides[::-1]):
        side.traffic("datagrams", side.lan, other.lan, 16384, 160, 172, 0.02)
    lab.wait(5)
    lab.down()
