"""Packets of some sizes are lost, smaller and larger ones are not.

The net drops ESP packets of 1100 to 1300 octets. So it is where a packet that fits before it is sealed is too large
afterwards, while a still larger one is cut up before it is sealed, into pieces that pass.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="mtu-black-hole",
    both="mtu-black-hole",
    sees="ESP of the cloud that pauses now and then, and no number missing.",
    sees_keyed="echo requests of 1088 to 1228 octets inside without a reply, smaller and larger ones with one; then a segment of "
    "TCP of such a size that is sent again and again.",
)


def build(lab):
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.lose("ip protocol esp ip length 1100-1300")
    for size in (700, 1060, 1150, 1200, 1300):
        lab.ask(4, every=0.2, size=size)
    lab.ask(4)
    # Three full segments, and one of a size that is lost.
    lab.fetch(3 * 1348 + 1128)
    lab.ask(4)
