"""Nothing is wrong: the office moves to its second address.

The office has two outside addresses. The first goes away in the middle of the traffic, and MOBIKE
takes both SAs to the second (RFC 4555).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("mobike-move",),
    sees="the same SPIs of IKE, first from 203.0.113.18, then from 203.0.113.19, INFORMATIONAL "
    "exchanges at the move and a rekey right after it, which this daemon needs to move ESP.",
    sees_keyed="ADDITIONAL_IP4_ADDRESS in IKE_AUTH, UPDATE_SA_ADDRESSES when it moves.",
)


def build(lab):
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.office.connection["local_addrs"] = "%any"
    lab.office.space.sysctl("net/ipv4/conf/wan/promote_secondaries", 1)
    lab.office("ip address add 203.0.113.19/28 dev wan")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.office("ip address delete 203.0.113.18/28 dev wan")
    lab.office(f"ip route replace default via {lab.office.router}")
    lab.wait(3)
    lab.ask(6)
    lab.ask(3, side=lab.cloud)
    lab.down()
