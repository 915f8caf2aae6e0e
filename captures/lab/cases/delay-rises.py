"""The path takes a long way round from one moment on.

The round trip is 20 milliseconds, and then 400.
"""

from kit import Expect

expect = Expect(
    sealed="high-latency",
    sealed_acceptable=("healthy",),
    sees="liveness checks answered after 20 and then after 400 milliseconds.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.net.wire(delay=0.01)


def story(lab):
    lab.up()
    lab.ask(10, every=0.5)
    lab.wait(8)
    lab.net.wire(delay=0.2)
    lab.ask(10, every=0.5)
    lab.wait(9)
    lab.down()
