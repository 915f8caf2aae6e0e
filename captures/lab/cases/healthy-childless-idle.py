"""Nothing is wrong: an IKE SA that never has a child.

The office asks for no child SA (RFC 6023), and for none later. Liveness checks go both ways, and the IKE SA is
rekeyed. IPv6 outside, and each side tells the other its IPv4 address.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH whose request is 58 octets larger than the response, too little for an SA and selectors; answered "
    "liveness checks; an IKE SA that follows another.",
    sees_keyed="neither SA nor TSi in IKE_AUTH.",
)


def build(lab):
    lab.outside6()
    lab.both(childless="force", dpd_delay="3s")


def story(lab):
    lab.office.vici("--initiate", "--ike", "peer", "--timeout", "5")
    lab.wait(12)
    lab.rekey_ike()
    lab.wait(6)
