"""A net that loses packets.

After the tunnel is up the net loses ESP packets at random, 8 of 100 in each direction. 160 pings
leave the office, and some fifteen of a hundred get no answer.
"""

from kit import Expect

expect = Expect(
    sealed="packet-loss",
    sees="gaps in the sequence numbers of ESP that arrives, spread over the whole time, none in those of "
    "ESP that leaves. The tap at the other end has the same of the other direction.",
    sees_keyed="echo requests without replies here and there.",
)


def story(lab):
    lab.up()
    lab.lose("ip protocol esp numgen random mod 100 < 8")
    lab.ask(160, every=0.06, size=24)
    lab.wait(1)
    lab.down()
