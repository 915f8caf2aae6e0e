"""Nothing is wrong: 21 suites.

One IKE SA after the other, each with other algorithms for IKE and for ESP: the CBC, CTR, CCM and GCM
modes of AES, Camellia, 3DES, ChaCha20-Poly1305 and NULL, every integrity algorithm from MD5 to
SHA2-512, XCBC and CMAC, and as many PRFs. Two pings pass in each, then it is deleted.
"""

from kit import Expect

SUITES = """
3des-md5-modp1024 3des-md5
3des-sha1-modp2048 3des-sha1
aes128-sha1-modp2048 aes128-sha1
aes192-sha256-ecp256 aes192-sha256
aes256-sha384-ecp384 aes256-sha384
aes256-sha512-ecp521 aes256-sha512
aes128-aesxcbc-x25519 aes128-aesxcbc
aes128-aescmac-x25519 aes128-aescmac
aes128ctr-sha256-x25519 aes128ctr-sha256
aes256ctr-sha512-x448 aes256ctr-sha1
camellia128-sha256-modp3072 camellia128-sha256
camellia256-sha512-ecp256 camellia256-sha512
aes128ccm8-prfsha256-x25519 aes128ccm8
aes256ccm12-prfsha256-x25519 aes256ccm12
aes256ccm16-prfaesxcbc-x25519 aes256ccm16
aes128gcm8-prfsha1-x25519 aes128gcm8
aes192gcm12-prfaescmac-x25519 aes192gcm12
aes256gcm16-prfsha512-ecp384 aes256gcm16
chacha20poly1305-prfsha256-x25519 chacha20poly1305
aes128-sha256-ecp256 null-sha1
aes128-sha256-ecp256 null-sha256
"""

expect = Expect(
    sealed="healthy",
    also=("weak-crypto",),
    sees="21 tunnels one after the other, each negotiated, used and deleted. Some suites are weak, which "
    "is worth a line and no fault.",
    sees_keyed="each of the suites opens.",
)


def build(lab):
    for side in lab.sides:
        side.plug("md5", "ccm", "ctr", "chapoly", "camellia", "xcbc", "cmac")


def story(lab):
    for suite in SUITES.split("\n")[1:-1]:
        lab.suite(*suite.split())
        lab.reload()
        lab.up()
        lab.ask(2)
        lab.down()
