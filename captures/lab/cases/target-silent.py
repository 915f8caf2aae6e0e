"""A host behind the peer does not answer.

The tunnel is well: one host answers. The other drops what it gets.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("inner-no-reply", "health-check-unanswered"),
    keyed="inner-no-reply",
    keyed_acceptable=("health-check-unanswered",),
    sees="ESP of a ping's size at a fixed period, unanswered, beside such that is answered.",
    sees_keyed="echo requests to 172.20.48.7 without a reply, those to 172.20.48.1 with one.",
)


def build(lab):
    lab.cloud.alias("172.20.48.7")
    lab.cloud.nft("add rule inet host in ip daddr 172.20.48.7 drop")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.ask(12, every=0.5, target="172.20.48.7")
    lab.ask(6)
    lab.down()
