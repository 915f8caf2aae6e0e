"""Nothing is wrong: reauthentication of a tunnel that nobody uses at the moment.

The office reauthenticates right after some pings, make before break, and then nobody talks for twelve
seconds. The cloud rekeys the child SA, and pings pass.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a second negotiation, a delete of the old IKE SA, a pause of ESP, which goes on under new SPIs.",
    sees_keyed="the delete is of the IKE SA that was just replaced.",
)


def build(lab):
    lab.daemons(make_before_break="yes")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.reauthenticate()
    lab.wait(12)
    lab.rekey(side=lab.cloud)
    lab.wait(1)
    lab.ask(5)
    lab.down()
