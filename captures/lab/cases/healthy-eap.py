"""Nothing is wrong: EAP-MSCHAPv2, and an address from a pool.

The gateway proves itself by a certificate, the user by EAP-MSCHAPv2 in more rounds of IKE_AUTH, and
gets an address and a DNS server in a configuration payload. Pings pass from that address.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="several answered rounds of IKE_AUTH, the first answer in fragments, then ESP both ways and "
    "an answered delete.",
    sees_keyed="EAP ends in success; the configuration payload gives an address of the pool, and pings "
    "come from it.",
)


def build(lab):
    lab.suite("aes256-sha256-ecp256", "aes256gcm16")
    lab.eap()
    lab.road()


def story(lab):
    lab.up()
    lab.ask(4, source="172.20.64.1")
    lab.down()
