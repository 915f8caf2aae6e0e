"""Nothing is wrong: closed and opened again.

The office closes the tunnel and opens it again twice, as an operator does: first the child SA alone,
then the whole IKE SA.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="answered deletes, a pause of some seconds in which nobody talks, and a negotiation by the same "
    "side.",
    sees_keyed="a delete of the child SA, later of the IKE SA.",
)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.close()
    lab.wait(3)
    lab.up()
    lab.ask(4)
    lab.down()
    lab.wait(4)
    lab.up()
    lab.ask(4)
    lab.down()
