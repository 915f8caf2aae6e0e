"""Nothing is wrong: ESP of the cloud comes from another address than its IKE.

The cloud's ESP leaves by a second address, as with two uplinks, while IKE keeps to the first. The office's gateway
takes it: an SPI names an SA, not an address.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("esp-one-way",),
    keyed="healthy",
    sees="ESP to the cloud that nothing answers, and ESP from an address of which no IKE is seen.",
    sees_keyed="the SPI of that ESP in IKE_AUTH: both are halves of one tunnel.",
)


def build(lab):
    lab.suite("aes128-sha1-modp2048", "aes128-sha1")
    lab.net.space.nft("add chain inet lab rewrite { type filter hook postrouting priority 0; }")
    lab.net.space.nft(
        f"add rule inet lab rewrite oifname office ip protocol esp ip saddr {lab.cloud.address} ip saddr set 203.0.113.40"
    )


def story(lab):
    lab.up()
    lab.ask(20)
    lab.down()
