"""Nothing is wrong: eight suites of IKEv1.

One ISAKMP SA after the other in main mode, each with another cipher and hash, and quick mode with as
many for ESP, with and without a key exchange of its own. The child SA is rekeyed in each.
"""

from kit import Expect

SUITES = """
3des-md5-modp1024 3des-md5
3des-sha1-modp2048 3des-sha1-modp2048
aes128-sha1-modp1536 aes128-sha1
aes192-sha256-ecp256 aes192-sha256
aes256-sha384-ecp384 aes256-sha384-ecp384
aes256-sha512-modp2048 aes256-sha512
camellia256-sha256-modp2048 camellia256-sha256
aes128-sha256-modp2048 aes128gcm16
"""

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    also=("weak-crypto",),
    sees="eight tunnels one after the other, each with two quick modes, and ESP under both pairs of SPIs. "
    "Some suites are weak, which is worth a line and no fault.",
    sees_keyed="each of the suites opens.",
)


def build(lab):
    lab.both(version=1)
    for side in lab.sides:
        side.plug("md5", "camellia", "ctr")


def story(lab):
    for suite in SUITES.split("\n")[1:-1]:
        lab.suite(*suite.split())
        lab.reload()
        lab.up()
        lab.ask(2)
        lab.rekey()
        lab.ask(2)
        lab.down()
