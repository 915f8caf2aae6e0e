"""Nothing is wrong: a client with an address of a pool authenticates anew.

The office asks for an inner address and gets one. Twice it makes a new IKE SA before it deletes the old one, asks for
the same address again, and gets it.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="three IKE SAs one after the other, each older one deleted when the next is up; ESP both ways all the time.",
    sees_keyed="a Configuration payload in each IKE_AUTH, and the same address each time.",
)


def build(lab):
    lab.road()


def story(lab):
    lab.up()
    lab.ask(5, source="172.20.64.1")
    for _ in range(2):
        lab.reauthenticate()
        lab.wait(3)
        lab.ask(5, source="172.20.64.1")
    lab.down()
