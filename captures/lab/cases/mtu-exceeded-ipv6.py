"""A narrow link on the way, in IPv6, and a gateway that does not heed it.

The link before the cloud carries 1280 octets; the office believes in 1500. No router of IPv6 makes
fragments: each large ESP packet is answered by the net's ICMPv6 "packet too big" and lost. The office
goes on as before. Small packets pass before and after.
"""

from kit import Expect

expect = Expect(
    sealed="mtu-exceeded",
    sees="one ICMPv6 error for each large ESP packet, which names 1280 and quotes ESP; the sizes stay.",
    sees_keyed="large echo requests without a reply, small ones with one.",
)


def build(lab):
    lab.outside6()
    lab.net.mtu(lab.cloud, 1280)


def story(lab):
    lab.up()
    lab.ask(4, every=0.4)
    lab.ask(8, every=0.6, size=1300)
    lab.ask(4, every=0.4)
    lab.down()
