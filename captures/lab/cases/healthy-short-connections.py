"""Nothing is wrong: many short TCP connections.

Twelve connections from either side to a service of the other, each a few hundred octets, with pauses
of a second or two between them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="bursts of small ESP packets in both directions, with pauses.",
    sees_keyed="connections that open, carry and close.",
)


def story(lab):
    lab.cloud.serve(8080)
    lab.office.serve(8080)
    lab.up()
    for count in range(6):
        lab.fetch(100 + 90 * count)
        lab.wait(0.4 * count)
        lab.fetch(700 - 90 * count, side=lab.cloud)
    lab.down()
