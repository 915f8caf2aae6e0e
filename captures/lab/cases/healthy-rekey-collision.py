"""Nothing is wrong: both sides rekey the child SA at once.

A round trip takes 200 ms, and both sides start a rekey within it, twice. Of the two new child SAs the
redundant one is deleted (RFC 7296 section 2.8.1), and traffic goes on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("rekey-collision",),
    sees="two CREATE_CHILD_SA requests that cross, both answered, then deletes; one pair of SPIs is used "
    "further.",
    sees_keyed="both rekey the same SA, and the one with the lowest nonce goes.",
)


def build(lab):
    lab.net.wire(delay=0.1)


def story(lab):
    lab.up()
    for _ in range(2):
        lab.ask(5)
        lab.together(lab.rekey, lambda: lab.rekey(side=lab.cloud))
        lab.wait(2)
    lab.ask(5)
    lab.down()
