"""A narrow link on the way.

The link before the cloud carries 1280 octets; the office believes in 1500. The first large ESP packet
has DF set and is answered by the net's ICMP "fragmentation needed". From the next on the office sends
each large ESP packet in two IP fragments, and so does the cloud, which knows its own link. Small
packets pass before and after.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("mtu-exceeded",),
    also=("mtu-exceeded", "esp-fragmented"),
    sees="one ICMP error that names 1280 and quotes ESP, and from then on ESP in fragments, which all "
    "arrive: worth a line, since one packet was lost and every large one is now cut in two, and no "
    "fault.",
    sees_keyed="one echo request without a reply, all others answered.",
)


def build(lab):
    lab.net.mtu(lab.cloud, 1280)


def story(lab):
    lab.up()
    lab.ask(4, every=0.4)
    lab.ask(8, every=0.6, size=1300)
    lab.ask(4, every=0.4)
    lab.down()
