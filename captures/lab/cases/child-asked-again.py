"""The same child SA is asked for again and again, and none is deleted.

Seven times the office asks for one more child SA for the same addresses, as a gateway does that does not see the one that it
has. Each new one carries all traffic; the older ones stay.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("children-pile-up",),
    keyed="children-pile-up",
    sees="CREATE_CHILD_SA after CREATE_CHILD_SA, each followed by a new pair of SPIs, silence on the pair before, and no "
    "message of the size of a Delete. What they are for is sealed.",
    sees_keyed="the same selectors in all, and no REKEY_SA.",
)


def build(lab):
    lab.both(dpd_delay="20s")
    # Marks of their own: otherwise strongSwan makes no second one.
    lab.children(mark_in="%unique", mark_out="%unique")


def story(lab):
    for _ in range(7):
        lab.up()
        lab.ask(3)
        lab.wait(1)
    lab.ask(40, every=2)
    lab.down()
