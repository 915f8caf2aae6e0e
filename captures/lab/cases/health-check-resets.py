"""A health check resets a tunnel that works.

The office pings an address behind the cloud once a second, whose host does not answer. After five pings
without a reply it deletes the tunnel and makes it anew, three times. Another host answers all the time.
"""

from kit import Expect

expect = Expect(
    sealed="tunnel-flapping",
    # The tunnel works at once after each reset.
    sealed_acceptable=("tunnel-deleted", "health-check-reset", "health-check-unanswered", "healthy"),
    keyed="health-check-reset",
    sees="each time five ESP packets of one size, a second apart and unanswered, beside such that are "
    "answered; then the office deletes the IKE SA, the cloud answers, and the office starts anew at once.",
    sees_keyed="echo requests to 172.20.48.7 without a reply, those to 172.20.48.1 with one, and a Delete "
    "after each five.",
)


def build(lab):
    lab.cloud.alias("172.20.48.7")
    lab.cloud.nft("add rule inet host in ip daddr 172.20.48.7 drop")


def story(lab):
    lab.up()
    for _ in range(3):
        lab.together(
            lambda: lab.ask(5, every=1, target="172.20.48.7"),
            lambda: lab.ask(8, every=0.5),
        )
        lab.down()
        lab.up()
    lab.ask(6)
