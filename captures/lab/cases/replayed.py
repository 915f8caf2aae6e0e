"""Somebody sends ESP packets a second time.

One ESP packet in fifteen comes again after 80 milliseconds.
"""

from kit import Expect

expect = Expect(
    sealed="esp-replay",
    sees="the same SPI and sequence number twice, long after one another, at the receiving side.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(repeat=0.07, late=0.08)


def story(lab):
    lab.up()
    lab.ask(150, every=0.03, size=300)
    lab.wait(1)
    lab.down()
