"""The sequence numbers of an SA begin again.

The office pings, 300 times. Then an encryption engine beside its daemon takes the SA over and counts from 1, as after a
restart that lost the counters and not the keys. The cloud throws away what its replay window has passed (RFC 4303
section 3.4.3).
"""

from kit import Expect

expect = Expect(
    sealed="esp-replay",
    sees="ESP both ways; the numbers of the office begin again at 1 under the same SPI, and nothing of the cloud comes any "
    "more.",
    sees_keyed="echo requests that open, and have no replies.",
)


def build(lab):
    lab.untapped = (lab.cloud,)


def story(lab):
    lab.up()
    lab.ask(300, every=0.02)
    lab.office.engine(lab.office.lan, lab.cloud.lan, 50, number=1).wait()
    lab.down()
