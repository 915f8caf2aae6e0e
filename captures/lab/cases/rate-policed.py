"""A policer on the way drops what exceeds its rate.

What the cloud sends passes a policer of 25 packets a second. Slow pings pass whole, quick ones lose nearly half of their
answers.
"""

from kit import Expect

expect = Expect(
    sealed="rate-limited",
    sealed_acceptable=("packet-loss",),
    sees="sequence numbers of the cloud missing only while the rate is high, and some 25 packets in each second of that.",
)


def build(lab):
    cloud = f"ip saddr {lab.cloud.address} ip protocol esp"
    lab.net.space.nft(f"add rule inet lab forward {cloud} limit rate over 25/second burst 5 packets drop")


def story(lab):
    lab.up()
    lab.ask(70, every=0.1, size=24)
    lab.ask(230, every=0.0166, size=24)
    lab.wait(1)
    lab.ask(10, every=0.1, size=24)
    lab.down()
