"""A device on the way changes every ESP packet of one direction.

It overwrites one octet of all that the office sends and mends no checksum but that of IP. The cloud's integrity check
turns each of them away, while its own packets arrive as they are.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="icv-mismatch",
    sees="ESP both ways; the pings of either side are not answered, which their sizes and times do not show.",
    sees_keyed="none of the office's packets has the checksum that its key gives, all of the cloud's have; beside the "
    "office the same packets are intact.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.space.nft("add chain inet lab damage { type filter hook postrouting priority 10; }")
    office = f"ip saddr {lab.office.address} ip protocol esp"
    lab.net.space.nft(f"add rule inet lab damage {office} @nh,384,8 set 0x5a")


def story(lab):
    lab.up()
    lab.together(lambda: lab.ask(20), lambda: (lab.wait(1), lab.ask(14, side=lab.cloud)))
    lab.wait(1)
    lab.down()
