"""Nothing is wrong: a narrow path, and clamped TCP.

The links of both gateways carry 1280 octets, and both clamp the MSS of TCP inside to 1160, so that
nothing has to be fragmented.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP up to a plateau well below 1280 octets and nothing above, no fragments, no ICMP.",
    sees_keyed="an MSS of 1160 in both SYN segments, and a transfer without a retransmission.",
)


def build(lab):
    for side in lab.sides:
        lab.net.mtu(side, 1280)
        side.nft("add rule inet host out tcp flags syn tcp option maxseg size set 1160")


def story(lab):
    lab.cloud.serve(8080)
    lab.up()
    lab.fetch(14000)
    lab.fetch(200)
    lab.ask(3)
    lab.down()
