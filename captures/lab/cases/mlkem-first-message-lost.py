"""A post-quantum key exchange makes the first message too large.

ML-KEM-1024 is the first and only key exchange, and its public value takes 1568 octets: IKE_SA_INIT leaves in IP fragments,
for before it IKE has none of its own (RFC 7383). A filter on the way drops all fragments.
"""

from kit import Expect

needs = "ml-kem"
expect = Expect(
    sealed="ike-no-response",
    sealed_acceptable=("ike-fragments-lost",),
    sees="IKE_SA_INIT in two IP fragments, five times, without an answer.",
)


def build(lab):
    lab.suite("aes256-sha256-mlkem1024", "aes256-sha256")
    lab.lose("ip frag-off & 0x3fff != 0")


def story(lab):
    lab.up(timeout=16)
    lab.wait(2)
