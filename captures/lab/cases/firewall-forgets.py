"""A stateful firewall forgets an office that is silent.

A firewall before the office lets in only what belongs to what went out, and forgets UDP after ten idle seconds. ESP is
encapsulated, and nothing sends keepalives. After 13 idle seconds a host behind the cloud pings in vain, until the office
speaks itself.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sees="ESP in UDP both ways, a pause, and when the office sends again the cloud's sequence numbers have gone on.",
    sees_keyed="echo requests of the office, all answered.",
    both="path-outage",
    both_acceptable=("packet-loss",),
)


def build(lab):
    lab.both(encap="yes", mobike="no")
    lab.daemons(keep_alive="0s")
    for timer in ("udp_timeout", "udp_timeout_stream"):
        lab.net.space.sysctl(f"net/netfilter/nf_conntrack_{timer}", 10)


def story(lab):
    lab.net.space.nft("add rule inet lab forward ct state established accept")
    lab.net.space.nft("add rule inet lab forward iifname cloud drop")
    lab.up()
    lab.ask(8)
    lab.wait(13)
    lab.ask(30, side=lab.cloud)
    lab.ask(10)
    lab.down()
