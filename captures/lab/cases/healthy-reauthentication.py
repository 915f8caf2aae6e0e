"""Nothing is wrong: reauthentication, make before break.

The office reauthenticates: it negotiates a whole new tunnel beside the old one and then deletes the
old. Pings pass all the while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a second IKE_SA_INIT and IKE_AUTH while the first tunnel works, ESP under the new SPIs, an "
    "answered delete of the old IKE SA.",
    sees_keyed="the same identities and selectors in both.",
)


def build(lab):
    lab.daemons(make_before_break="yes")


def story(lab):
    lab.up()
    for _ in range(2):
        lab.ask(5)
        lab.reauthenticate()
        lab.wait(1)
    lab.ask(5)
    lab.down()
