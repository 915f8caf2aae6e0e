"""Nothing is wrong: reauthentication, break before make.

The office reauthenticates the old way: it deletes its tunnel and negotiates it anew at once. It is
configured so and lasts milliseconds.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="an answered delete, and IKE_SA_INIT within milliseconds of it by the same side; ESP goes on "
    "under new SPIs.",
    sees_keyed="the same identities and selectors in both.",
)


def build(lab):
    lab.daemons(make_before_break="no")


def story(lab):
    lab.up()
    for _ in range(2):
        lab.ask(5)
        lab.reauthenticate()
        lab.wait(1)
    lab.ask(5)
    lab.down()
