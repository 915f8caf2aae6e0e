"""The peer does not know us.

The cloud has a connection for another address. It refuses IKE_SA_INIT of the office at once, whatever is
offered.
"""

from kit import Expect

expect = Expect(
    sealed="peer-address-unknown",
    sealed_acceptable=("ike-proposal-mismatch", "ike-refused"),
    sees="IKE_SA_INIT refused at once by NO_PROPOSAL_CHOSEN in clear, with different offers: a peer that "
    "does not know the address, or shares no proposal.",
)


def build(lab):
    lab.cloud.connection["remote_addrs"] = "203.0.113.99"


def story(lab):
    lab.up(timeout=6)
    lab.wait(1)
    lab.office.connection["proposals"] = "aes256-sha256-ecp256,aes128-sha1-modp2048"
    lab.office.reload()
    lab.up(timeout=6)
    lab.wait(1)
    lab.office.connection["proposals"] = "aes128gcm16-prfsha256-x25519,3des-sha1-modp1024"
    lab.office.reload()
    lab.up(timeout=6)
