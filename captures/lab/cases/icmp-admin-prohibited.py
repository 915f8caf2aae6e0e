"""A filter on the way refuses UDP 500.

A router between the gateways forbids UDP 500 and answers by ICMP administratively prohibited.
"""

from kit import Expect

expect = Expect(
    sealed="ike-admin-prohibited",
    sees="IKE_SA_INIT sent again and again, each answered by ICMP communication administratively prohibited.",
)


def build(lab):
    lab.net.refuse("udp dport 500", "icmp type admin-prohibited")


def story(lab):
    lab.up(timeout=12)
