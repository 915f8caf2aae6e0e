"""IKEv1: a health check resets a tunnel that works.

As in `health-check-resets`, in IKEv1 and behind a NAT, seen from the cloud: an address that does not answer is pinged
five times, then the office deletes the tunnel and makes it anew, three times. IKEv1 answers no Delete.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="tunnel-flapping",
    sealed_acceptable=("tunnel-deleted", "health-check-reset", "health-check-unanswered", "healthy"),
    keyed="health-check-reset",
    sees="each time five ESP packets of one size, a second apart and unanswered, beside such that are answered; then "
    "two informational messages of the office, and main mode.",
    sees_keyed="echo requests to 172.20.48.7 without a reply, those to 172.20.48.1 with one, and Deletes after each "
    "five.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.ikev1("aes256-sha1-modp2048", "aes256-sha1")
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"
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
