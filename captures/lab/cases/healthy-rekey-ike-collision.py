"""Nothing is wrong: both sides rekey the IKE SA at once.

A round trip takes 200 ms, and both sides start to rekey the IKE SA within it. One of the two new IKE
SAs is deleted again (RFC 7296 section 2.8.2), and the tunnel goes on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two CREATE_CHILD_SA requests that cross, then IKE under one new pair of SPIs, and ESP as before.",
    sees_keyed="two new IKE SAs, of which one is deleted at once.",
)


def build(lab):
    lab.net.wire(delay=0.1)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.together(lab.rekey_ike, lambda: lab.rekey_ike(side=lab.cloud))
    lab.wait(3)
    lab.ask(5)
    lab.rekey()
    lab.wait(1)
    lab.ask(3)
    lab.down()
