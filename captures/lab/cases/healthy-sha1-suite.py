"""Nothing is wrong: AES-CBC with SHA-1, rekeyed.

The suite of many old devices: AES-CBC-128 with HMAC-SHA1 and MODP-2048, for IKE and for ESP with PFS.
Pings, TCP, rekeys of both SAs, liveness checks.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP of sizes that lie sixteen octets apart, two pairs of SPIs, exchanges large enough for a key "
    "exchange.",
    sees_keyed="KE payloads of group 14 in the rekeys.",
)


def build(lab):
    lab.suite("aes128-sha1-modp2048", "aes128-sha1-modp2048")
    lab.both(dpd_delay="5s")


def story(lab):
    lab.cloud.serve(8080)
    lab.up()
    lab.ask(4)
    lab.fetch(4000)
    lab.rekey()
    lab.ask(4)
    lab.rekey_ike()
    lab.wait(7)
    lab.ask(4, side=lab.cloud)
    lab.down(side=lab.cloud)
