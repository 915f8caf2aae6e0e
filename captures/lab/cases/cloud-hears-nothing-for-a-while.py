"""A gateway takes no packet for fifteen seconds, and sends all the time.

Its incoming packets are dropped in the gateway, as where an input queue stands still. Pings of the office have no
answer, nor have its liveness checks; those of the cloud itself go out, are answered, and come again. Then all goes on
with the same SAs. Recorded at the office.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sealed_acceptable=("esp-one-way", "ike-one-way"),
    keyed="path-outage",
    keyed_acceptable=("esp-one-way", "ike-one-way"),
    both="path-outage",
    both_acceptable=("esp-one-way", "ike-one-way"),
    sees="ESP and a request of IKE without an answer for fifteen seconds, and meanwhile requests of the other gateway that "
    "come again though they were answered.",
    sees_keyed="the same, and echo requests without a reply.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.ask(20)
    lab.fetch(3000)
    lab.cloud.nft("add table inet still")
    lab.cloud.nft("add chain inet still take { type filter hook prerouting priority -300; }")
    lab.cloud.nft("add rule inet still take iifname wan drop")
    lab.ask(48)
    lab.cloud.nft("delete table inet still")
    lab.ask(20)
