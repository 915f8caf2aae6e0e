"""Answers come from another address.

The cloud's answers leave through a source NAT that gives them the address of another interface. Its
answer to IKE_SA_INIT has the right SPIs and the wrong sender.
"""

from kit import Expect

expect = Expect(
    sealed="response-from-other-address",
    sees="IKE_SA_INIT to 203.0.113.34, answered with the same SPI from 203.0.113.40; sent again, since "
    "nobody at the office takes that answer.",
)


def build(lab):
    # Stateless, so that requests still reach the daemon.
    lab.net.space.nft("add chain inet lab mangle { type filter hook postrouting priority 0; }")
    lab.net.space.nft(f"add rule inet lab mangle ip saddr {lab.cloud.address} ip saddr set 203.0.113.40")
    # The office's kernel must not take it for its own connection's answer and refuse it.
    lab.office.nft("add rule inet host out icmp type destination-unreachable drop")


def story(lab):
    lab.up(timeout=16)
