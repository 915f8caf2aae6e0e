"""The peer keeps one child SA, and each new one displaces the last.

The office negotiates one child SA per pair of subnets. The cloud behaves as gateways do that hold one:
whenever a new one comes it deletes the one before.
"""

from kit import Expect

expect = Expect(
    sealed="single-child-peer",
    keyed="single-child-peer",
    sees="each CREATE_CHILD_SA that succeeds is followed by a small exchange of the cloud and silence on the "
    "SPIs before, long before a lifetime could end.",
    sees_keyed="the cloud's Delete of the older child after each new one, whose selectors differ.",
)


def build(lab):
    lab.another("lan2", "172.20.17.0/24", "172.20.49.0/24")


def story(lab):
    lab.up("lan")
    lab.ask(4)
    for _ in range(2):
        lab.up("lan2")
        lab.close("lan", side=lab.cloud)
        lab.ask(4, source="172.20.17.1", target="172.20.49.1")
        lab.wait(1)
        lab.up("lan")
        lab.close("lan2", side=lab.cloud)
        lab.ask(4)
        lab.wait(1)
