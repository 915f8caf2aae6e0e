"""The peer keeps one pair of SAs, IKEv1.

The office negotiates one quick mode per pair of subnets. The cloud behaves as gateways do that hold one
pair of SAs: whenever a new one comes it deletes the one before.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="single-child-peer",
    sealed_acceptable=("healthy",),
    keyed="single-child-peer",
    sees="each quick mode that succeeds is followed by an informational message of the cloud and silence on "
    "the SPIs before, long before a lifetime could end.",
    sees_keyed="the cloud's DELETE of the older pair after each new one, whose identities differ.",
)


def build(lab):
    lab.ikev1()
    lab.another("dmz", "172.20.17.0/24", "172.20.49.0/24")


def story(lab):
    lab.up("lan")
    lab.ask(4)
    for _ in range(2):
        lab.up("dmz")
        lab.close("lan", side=lab.cloud)
        lab.ask(4, source="172.20.17.1", target="172.20.49.1")
        lab.wait(1)
        lab.up("lan")
        lab.close("dmz", side=lab.cloud)
        lab.ask(4)
        lab.wait(1)
