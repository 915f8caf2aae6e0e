"""The way to the peer is gone, and a router says so.

The route to the cloud is missing on the way: every packet to it is answered by ICMP host unreachable.
"""

from kit import Expect

expect = Expect(
    sealed="ike-host-unreachable",
    sees="IKE_SA_INIT sent again and again, each answered by ICMP host unreachable from a router between.",
)


def build(lab):
    lab.net.refuse(f"ip daddr {lab.cloud.address}", "icmp type host-unreachable")


def story(lab):
    lab.up(timeout=12)
