"""Nothing is wrong: several quick modes under one ISAKMP SA.

IKEv1 knows one pair of subnets in a quick mode. Three pairs take three, and all three pairs of SPIs
are used side by side.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="main mode once, quick mode three times, three pairs of SPIs that live side by side.",
    sees_keyed="identities of three pairs of subnets, which do not overlap.",
)


def build(lab):
    lab.ikev1()
    lab.another("dmz", "172.20.17.0/24", "172.20.49.0/24")
    lab.another("voice", "172.20.18.0/24", "172.20.50.0/24")


def story(lab):
    for child in ("lan", "dmz", "voice"):
        lab.up(child)
    for _ in range(3):
        lab.ask(3)
        lab.ask(3, source="172.20.17.1", target="172.20.49.1")
        lab.ask(3, source="172.20.18.1", target="172.20.50.1", size=160)
    lab.down()
