"""One side cuts HMAC-SHA2-256 to 96 bits.

Both agree on AUTH_HMAC_SHA2_256_128. The cloud computes it as a draft before RFC 4868 had it, cut to 96
bits and not to 128, so that each side throws away what the other sends. Here it is the net that cuts
four octets off each ESP packet of the cloud, which makes the same octets, and a filter of the cloud that
throws away; so there is no tap at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("esp-suites-differ", "icv-mismatch", "esp-one-way"),
    also=("esp-suites-differ",),
    keyed_also=("icv-mismatch",),
    keyed="icv-mismatch",
    sees="ESP in both directions, none of which answers the other; modulo 16 the sizes of the cloud's are "
    "four less than any that the negotiated suite gives.",
    sees_keyed="every packet of the cloud has an ICV of 96 bits.",
)


def build(lab):
    lab.suite("aes128-sha256-ecp256", "aes128-sha256")
    lab.untapped = (lab.cloud,)
    lab.net.wire(cut=4)
    lab.cloud.nft("add rule inet host in ip protocol esp drop")


def story(lab):
    lab.up()
    for size in (20, 56, 100, 130, 200, 333, 500, 801):
        lab.ask(3, every=0.1, size=size)
        lab.ask(3, every=0.1, size=size + 7, side=lab.cloud)
    lab.down()
