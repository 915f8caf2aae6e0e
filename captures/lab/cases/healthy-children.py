"""Nothing is wrong: several child SAs in one IKE SA.

Three children for three pairs of subnets, the second and third made by CREATE_CHILD_SA. All are used,
two are rekeyed, one is closed while the others go on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="three pairs of SPIs that live side by side for long, two of which are replaced, and IKE "
    "exchanges for each.",
    sees_keyed="selectors that do not overlap.",
)


def build(lab):
    lab.another("dmz", "172.20.17.0/24", "172.20.49.0/24")
    lab.another("voice", "172.20.18.0/24", "172.20.50.0/24")


def story(lab):
    for child in ("lan", "dmz", "voice"):
        lab.up(child)
    for _ in range(2):
        lab.ask(3)
        lab.ask(3, source="172.20.17.1", target="172.20.49.1")
        lab.ask(3, source="172.20.18.1", target="172.20.50.1", size=160)
    lab.rekey("dmz")
    lab.rekey("voice", side=lab.cloud)
    lab.wait(1)
    lab.ask(3, source="172.20.17.1", target="172.20.49.1")
    lab.ask(3, source="172.20.18.1", target="172.20.50.1", size=160)
    lab.close("dmz")
    lab.ask(3)
    lab.ask(3, source="172.20.18.1", target="172.20.50.1", size=160)
    lab.down()
