"""Nothing is wrong: both gateways are behind a NAT.

The office reaches the net through a masquerade; the cloud is behind an address that passes the ports 500 and
4500 on to it. Each side sees the other under an address that is not its own.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="IKE that moves to port 4500, ESP in UDP, keepalives of both sides; neither tap sees the addresses of the "
    "other.",
)


def build(lab):
    net, outside = lab.net.space, lab.office.router
    net.nft("add chain inet lab prerouting { type nat hook prerouting priority -100; }")
    ports = f"ip daddr {outside} udp dport {{ 500, 4500 }}"
    net.nft(f"add rule inet lab prerouting iifname office {ports} dnat ip to {lab.cloud.address}")
    lab.net.masquerade(lab.office.address)
    net.nft(f"add rule inet lab postrouting ip saddr {lab.cloud.address} oifname office snat to {outside}")
    lab.office.connection["remote_addrs"] = outside
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.daemons(keep_alive="5s")


def story(lab):
    lab.up()
    lab.ask(8)
    lab.rekey()
    lab.wait(6)
    lab.ask(4)
    lab.down()
