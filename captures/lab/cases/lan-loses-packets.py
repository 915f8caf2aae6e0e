"""Behind the cloud's gateway a fifth of the requests is lost.

ESP passes whole, both ways. The cloud's LAN drops echo requests at random, 20 of 100, after they were decrypted.
"""

from kit import Expect

expect = Expect(
    sealed="packet-loss",
    sealed_acceptable=("healthy",),
    keyed="packet-loss",
    keyed_acceptable=("inner-no-reply", "health-check-unanswered"),
    both="packet-loss",
    both_acceptable=("inner-no-reply", "health-check-unanswered"),
    sees="packets of one size at a fixed interval, and as many in return but for some, which are missing by chance. At "
    "the office that cannot be told from a path that loses packets. Both taps together show that all ESP arrives, so "
    "that it is lost behind the cloud.",
    sees_keyed="echo requests without replies here and there.",
)


def build(lab):
    lab.cloud.nft("add rule inet host in icmp type echo-request numgen random mod 100 < 20 drop")


def story(lab):
    lab.up()
    lab.ask(120, every=0.15)
    lab.down()
