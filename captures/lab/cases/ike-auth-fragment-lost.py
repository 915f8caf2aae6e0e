"""The net swallows large IKE fragments.

Certificates make IKE_AUTH large, so the office sends it in two fragments (RFC 7383), and the net
carries nothing above 1000 octets. The second fragment arrives, the first never does, and no answer
can come. The office repeats both to the end.
"""

from kit import Expect

expect = Expect(
    sealed="ike-fragments-lost",
    sealed_acceptable=("ike-auth-no-response", "mtu-black-hole"),
    both="ike-fragments-lost",
    sees="IKE_SA_INIT that is answered, then the two fragments of IKE_AUTH, one large and one small, "
    "repeated without an answer. At the other end only the small one ever arrives.",
    sees_keyed="no more: the peer came to no key, and the request holds a certificate.",
)


def build(lab):
    lab.certify()
    lab.lose("ip length > 1000")


def story(lab):
    lab.up(timeout=30)
