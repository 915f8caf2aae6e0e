"""Nothing is wrong: a net that clears the traffic class.

The daemons mark IKE with DSCP 48; the net sets the traffic class of all that it forwards to 0.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE of the own gateway with DSCP 48, that of the other with 0; the second tap has it the other way round.",
)


def build(lab):
    lab.both(dscp="110000")
    lab.net.space.nft("add rule inet lab forward ip dscp set 0")


def story(lab):
    lab.up()
    lab.ask(8)
    lab.down()
