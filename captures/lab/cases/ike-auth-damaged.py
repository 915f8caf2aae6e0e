"""A device on the way damages what IKE seals.

It writes other octets into each IKE_AUTH of the office. The cloud drops them, since their checksum does not fit, and says
nothing.
"""

from kit import Expect

expect = Expect(
    sealed="port-4500-blocked",
    sealed_acceptable=("ike-auth-no-response",),
    both="ike-damaged",
    sees="IKE_SA_INIT answered, then IKE_AUTH again and again without an answer; at the second tap each has other octets.",
)


def build(lab):
    # Of exchange type 35 (RFC 7296 section 3.1), behind the non-ESP marker; and no checksum of UDP.
    words = "iifname office udp dport 4500 @th,240,8 35 @th,512,32 set 0x04000400 udp checksum set 0"
    lab.net.space.nft(f"add rule inet lab forward {words}")


def story(lab):
    lab.up(timeout=16)
    lab.wait(3)
