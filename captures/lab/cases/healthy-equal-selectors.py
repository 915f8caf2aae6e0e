"""Nothing is wrong: two child SAs for the same addresses.

The office makes a second child SA whose selectors equal those of the first, as some gateways do for
speed or for want of tidiness. Each side sends in whichever it likes (RFC 7296 section 2.8); later one of
them is deleted, and the other carries all.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two pairs of SPIs that live side by side, and one of them goes.",
    sees_keyed="equal selectors of both child SAs; every echo request has its reply.",
)


def build(lab):
    for side in lab.sides:
        # An own mark: otherwise strongSwan makes no second one.
        side.children["again"] = {**side.child, "mark_in": 7, "mark_out": 7}


def story(lab):
    lab.up()
    lab.ask(6)
    lab.up("again")
    lab.ask(8)
    lab.ask(6, side=lab.cloud)
    lab.close("again")
    lab.ask(6)
    lab.down()
