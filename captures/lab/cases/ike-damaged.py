"""A device on the way damages IKE.

It writes another length into the first payload of each message that the office sends from port 500. The cloud cannot
read the message and says so.
"""

from kit import Expect

expect = Expect(
    sealed="ike-refused",
    both="ike-damaged",
    sees="IKE_SA_INIT answered in clear by INVALID_SYNTAX; at the second tap a request that is not well-formed.",
)


def build(lab):
    # The length of the first payload (RFC 7296 section 3.2), and no checksum of UDP.
    words = "iifname office udp sport 500 @th,304,16 set 0x0400 udp checksum set 0"
    lab.net.space.nft(f"add rule inet lab forward {words}")


def story(lab):
    lab.up()
    lab.wait(3)
