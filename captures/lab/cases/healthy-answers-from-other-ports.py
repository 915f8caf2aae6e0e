"""Nothing is wrong: the cloud's packets come from ports that it does not have.

A NAT before the cloud gives ports 500 and 4500 others, 1025 and 1026, for what leaves, and turns it back for
what goes there. The office goes on at the ports from which it is answered.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="answers to IKE_SA_INIT from port 1025, and all that follows to port 1026, ESP in UDP as well.",
)


def build(lab):
    net, cloud = lab.net.space, lab.cloud.address
    net.nft("add chain inet lab ports { type filter hook forward priority -150; }")
    for own, other in ((500, 1025), (4500, 1026)):
        net.nft(f"add rule inet lab ports ip saddr {cloud} udp sport {own} udp sport set {other}")
        net.nft(f"add rule inet lab ports ip daddr {cloud} udp dport {other} udp dport set {own}")


def story(lab):
    lab.up(timeout=20)
    lab.ask(8)
    lab.rekey()
    lab.ask(4)
    lab.down()
