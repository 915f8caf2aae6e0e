"""Nothing is wrong: the office closes the tunnel and sets it up again two seconds later, for long.

Nobody wants the tunnel in between. Under the second one traffic passes for a while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways, a delete by the office, a pause of two seconds, a negotiation by the office, ESP under new SPIs.",
)


def story(lab):
    lab.up()
    lab.ask(10)
    lab.down()
    lab.wait(2)
    lab.up()
    lab.ask(50)
    lab.rekey()
    lab.ask(10)
    lab.down()
