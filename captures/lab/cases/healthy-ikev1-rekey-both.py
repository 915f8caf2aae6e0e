"""Nothing is wrong: rekeys of IKEv1 by both sides at once.

Both sides hold the same lifetimes without a random share, so that quick modes and main modes of both
often cross. Redundant SAs are deleted, and steady pings go on.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="quick modes and main modes by both sides, some at the same time, more pairs of SPIs than needed, "
    "deletes of ISAKMP SAs while another lives on; ESP without a pause.",
    sees_keyed="the same identities in every quick mode.",
)


def build(lab):
    lab.ikev1(esp="aes128-sha256-modp2048")
    lab.both(rekey_time="16s", over_time="8s", rand_time="0s")
    lab.children(rekey_time="7s", life_time="14s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(60, every=0.5)
    lab.down()
