"""Nothing is wrong: the office moves behind a NAT.

The office has two outside addresses, and what comes from the second is masqueraded. The first goes away in the middle
of the traffic: MOBIKE takes the tunnel to the second (RFC 4555), where NAT detection finds the NAT, and ESP goes on in
UDP. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("mobike-move",),
    sees="ESP without encapsulation from 203.0.113.18, then IKE of the same SPIs from the address and a port of the NAT, a "
    "rekeying, and ESP in UDP.",
    sees_keyed="UPDATE_SA_ADDRESSES with hashes that do not fit any more.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.office.connection["local_addrs"] = "%any"
    lab.office.space.sysctl("net/ipv4/conf/wan/promote_secondaries", 1)
    lab.office("ip address add 203.0.113.19/28 dev wan")
    lab.net.masquerade("203.0.113.19")
    lab.daemons(keep_alive="4s")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.office("ip address delete 203.0.113.18/28 dev wan")
    lab.office(f"ip route replace default via {lab.office.router}")
    lab.wait(3)
    lab.ask(8)
    lab.ask(3, side=lab.cloud)
    lab.wait(6)
    lab.rekey()
    lab.ask(6)
    lab.down()
