"""The path changes octets of ESP packets.

One ESP packet in five has an octet changed on its way, and a UDP or IP checksum that fits. The receiver's
integrity check turns it away.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("packet-loss",),
    keyed="icv-mismatch",
    sees="requests without answers now and then.",
    sees_keyed="packets whose integrity check value is wrong beside others of the same SA where it is right.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(corrupt=0.2)


def story(lab):
    lab.up()
    lab.ask(60, every=0.1)
    lab.down()
