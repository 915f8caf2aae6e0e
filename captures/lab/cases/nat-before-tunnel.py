"""The office translates what should go into the tunnel.

The office's gateway masquerades all that leaves its outside interface, before it looks for a tunnel:
packets of its LAN to the cloud's leave in clear with the outside address.
"""

from kit import Expect

expect = Expect(
    sealed="inner-nat-misses-ts",
    sealed_acceptable=("clear-text-leak",),
    sees="a tunnel that nothing uses, and packets in clear from 203.0.113.18 to 172.20.48.1.",
)


def build(lab):
    # A gateway that translates first looks for a tunnel with the outside address, and finds none: the
    # packet takes the ordinary route.
    lab.office.alias("172.20.17.1")
    lab.office("ip rule add from 172.20.17.1 lookup main priority 100")
    lab.office.nft("add chain inet host nat { type nat hook postrouting priority 100; }")
    lab.office.nft("add rule inet host nat ip saddr 172.20.17.0/24 oifname wan masquerade")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.ask(12, source="172.20.17.1")
    lab.down()
