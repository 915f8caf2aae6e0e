"""ESP comes back no more.

A tunnel comes up and five pings are answered. From then on the net drops the ESP that the cloud
sends, and nothing else: thirty more pings arrive at the cloud and are answered, no answer arrives at
the office. Liveness checks pass, so both daemons hold the tunnel to be well.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("esp-blocked",),
    sees="ESP both ways, then only from the office, while INFORMATIONAL exchanges are still answered. From "
    "the other gateway's link it shows that the answers do leave: they are lost between the two.",
    sees_keyed="echo requests without replies.",
    both="esp-one-way",
    both_acceptable=("esp-blocked",),
)


def build(lab):
    lab.both(dpd_delay="5s")


def story(lab):
    lab.up()
    lab.ask(5, every=0.4)
    lab.lose(f"ip saddr {lab.cloud.address} ip protocol esp")
    lab.ask(30, every=0.5, size=120)
    lab.wait(2)
