"""Nothing is wrong: ESP in IP fragments, which all arrive.

The links of both gateways carry 1280 octets, and both know it: large ESP packets leave in two
fragments. The net carries them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("esp-fragmented",),
    sees="large ESP packets in two IP fragments both ways, no ICMP, no gap: worth a line, since it costs.",
    sees_keyed="every echo request has its reply.",
)


def build(lab):
    for side in lab.sides:
        lab.net.mtu(side, 1280)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.ask(10, size=1300)
    lab.ask(4)
    lab.down()
