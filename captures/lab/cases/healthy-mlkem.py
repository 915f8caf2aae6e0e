"""Nothing is wrong: a post-quantum key exchange.

A second key exchange, ML-KEM-768, follows the first (RFC 9370). When the IKE SA is made it travels
in IKE_INTERMEDIATE, whose request is too large for a packet and comes in two fragments (RFC 7383).
When the child SA and then the IKE SA are rekeyed it travels in IKE_FOLLOWUP_KE. Pings pass between
these steps, and at the end the office deletes the IKE SA.
"""

from kit import Expect

needs = "ml-kem"
expect = Expect(
    sealed="healthy",
    sees="IKE_SA_INIT that agrees on two key exchanges, IKE_INTERMEDIATE in fragments, IKE_AUTH, ESP both "
    "ways; CREATE_CHILD_SA followed by IKE_FOLLOWUP_KE twice, with new SPIs of ESP and then of IKE.",
    sees_keyed="both rekeys with ML-KEM, whose keys change with the second exchange.",
)


def build(lab):
    lab.suite("aes256gcm16-prfsha384-x25519-ke1_mlkem768", "aes256gcm16-x25519-ke1_mlkem768")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.rekey()
    lab.ask(4)
    lab.rekey_ike()
    lab.wait(1)
    lab.ask(2)
    lab.down()
