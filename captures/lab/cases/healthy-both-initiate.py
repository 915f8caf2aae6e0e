"""Nothing is wrong: both sides start the tunnel at once.

A round trip takes 200 ms, and both sides negotiate within it. Two IKE SAs with a child SA each come
up, both with the same selectors; each side sends on the one that it likes, and the office closes one
of the two later.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two negotiations that cross and both succeed, ESP both ways, which need not use SPIs of the same "
    "negotiation, and an answered delete of one IKE SA, after which ESP goes on.",
    sees_keyed="the same selectors in both, made in the same moment.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(delay=0.1)


def story(lab):
    lab.together(lab.up, lambda: lab.up(side=lab.cloud))
    lab.wait(1)
    lab.ask(6)
    lab.office.vici("--terminate", "--ike-id", "1", "--timeout", "5")
    lab.wait(1)
    lab.ask(6)
    lab.down()
