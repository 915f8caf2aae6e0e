"""IKE fragments are used, and the large ones do not pass.

Certificates make IKE_AUTH large; both sides split it as RFC 7383 says, into fragments of 1280 octets. The
path swallows UDP packets above 1100 octets.
"""

from kit import Expect

expect = Expect(
    sealed="ike-fragments-lost",
    sealed_acceptable=("ike-auth-no-response",),
    sees="IKE_SA_INIT answered, then IKE_AUTH in encrypted fragments, all of them again and again; small "
    "messages would pass.",
)


def build(lab):
    lab.certify()
    lab.lose("udp dport 4500 udp length > 1100")


def story(lab):
    lab.up(timeout=16)
