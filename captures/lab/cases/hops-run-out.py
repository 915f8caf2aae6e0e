"""Packets of the office run out of hops, as in a routing loop.

The net lets what goes to the cloud no further than its first router, which says so by ICMP "time exceeded".
"""

from kit import Expect

expect = Expect(
    sealed="ike-host-unreachable",
    sealed_acceptable=("ike-no-response",),
    sees="IKE_SA_INIT five times, and after each ICMP type 11 code 0 of a router, which quotes it.",
)


def build(lab):
    lab.net.space.nft("add chain inet lab loop { type filter hook prerouting priority -300; }")
    lab.net.space.nft(f"add rule inet lab loop ip daddr {lab.cloud.address} ip ttl set 1")


def story(lab):
    lab.up(timeout=20)
