"""Nothing is wrong: a tunnel without liveness checks that nobody uses.

Neither side checks liveness. Some pings, then nothing at all for forty seconds, then pings again.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways, forty seconds without a packet of any kind, ESP both ways under the same SPIs.",
    sees_keyed="every echo request has its reply.",
)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.wait(40)
    lab.ask(5, side=lab.cloud)
    lab.ask(3)
    lab.down()
