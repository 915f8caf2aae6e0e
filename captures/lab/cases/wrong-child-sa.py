"""Packets of one child SA go into the other.

Two child SAs have subnets of their own, and both are used. Then an encryption engine beside the office's daemon, which
holds the first of them, puts echo requests between the second's subnets into the first. The cloud drops what the
selectors of an SA do not cover (RFC 4301 section 5.2), and says nothing.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    keyed="inner-outside-ts",
    sees="answers under both SAs, then packets of one size under the first, in order, and no more answers to it.",
    sees_keyed="echo requests between addresses that the selectors of the SA do not cover.",
)


def build(lab):
    lab.another("second", "172.20.17.0/24", "172.20.49.0/24")


def story(lab):
    lab.up()
    lab.up("second")
    lab.ask(6)
    lab.ask(6, source="172.20.17.1", target="172.20.49.1")
    lab.office.engine("172.20.17.1", "172.20.49.1", 60, number=7).wait()
    lab.down()
