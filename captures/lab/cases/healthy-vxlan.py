"""Nothing is wrong: a VXLAN inside the tunnel.

The LANs are joined by VXLAN between two hosts, and that goes through the tunnel: ARP and pings.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways, of other sizes than pings have.",
    sees_keyed="UDP port 4789 between the hosts, each way from a port of its own, and inside it addresses that no "
    "selector names.",
)


def build(lab):
    for side, other, last in (lab.office, lab.cloud, 1), (lab.cloud, lab.office, 2):
        side(f"ip link add lan type vxlan id 42 local {side.lan} remote {other.lan} dstport 4789")
        side(f"ip address add 10.9.9.{last}/24 dev lan")
        side("ip link set lan mtu 1300 up")


def story(lab):
    lab.up()
    lab.office("ping -q -n -W 1 -c 15 -i 0.3 10.9.9.2", check=False)
    lab.down()
