"""A health check that is answered for a while and then not.

The office pings an address behind the cloud once a second. After twelve answers its host stops answering;
the rest of the tunnel is well.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("health-check-unanswered", "inner-no-reply"),
    keyed="health-check-unanswered",
    keyed_acceptable=("inner-no-reply",),
    sees="ESP packets of one size once a second, answered at first and then not.",
    sees_keyed="echo requests with their replies, then without; another host goes on answering.",
)


def build(lab):
    lab.both(dpd_delay="5s")
    lab.cloud.alias("172.20.48.7")


def story(lab):
    lab.up()
    lab.ask(12, every=1, target="172.20.48.7")
    lab.cloud.nft("add rule inet host in ip daddr 172.20.48.7 drop")
    lab.ask(14, every=1, target="172.20.48.7")
    lab.ask(4)
    lab.down()
