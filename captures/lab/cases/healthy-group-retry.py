"""Nothing is wrong: the office guesses the wrong group first.

The office offers two groups and sends a key exchange of the first; the cloud takes the second alone
and says so (INVALID_KE_PAYLOAD). The same happens with the key exchange of a rekeyed child SA.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("dh-group-retry",),
    sees="IKE_SA_INIT answered by INVALID_KE_PAYLOAD that names group 20, the same again with that group, "
    "a tunnel; later CREATE_CHILD_SA answered by one notify, and at once another that succeeds.",
    sees_keyed="INVALID_KE_PAYLOAD in the rekey too.",
)


def build(lab):
    lab.office.connection["proposals"] = "aes256gcm16-prfsha384-ecp256-ecp384"
    lab.office.child["esp_proposals"] = "aes256gcm16-ecp256-ecp384"
    lab.cloud.child["esp_proposals"] = "aes256gcm16-ecp384"


def story(lab):
    lab.up()
    lab.ask(4)
    lab.rekey()
    lab.wait(1)
    lab.ask(4)
    lab.down()
