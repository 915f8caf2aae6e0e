"""Nothing is wrong: each rekeying guesses the wrong group first.

The office would rather have a curve; the cloud takes 2048-bit MODP alone, for IKE and for child SAs. Each first
request is answered by INVALID_KE_PAYLOAD, and the second succeeds.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("dh-group-retry",),
    sees="CREATE_CHILD_SA answered by a small message, and at once a larger request that is granted, at each rekeying.",
    sees_keyed="INVALID_KE_PAYLOAD, and the group that is asked for.",
)


def build(lab):
    lab.office.child["esp_proposals"] = "aes256gcm16-ecp256,aes256gcm16-modp2048"
    lab.cloud.child["esp_proposals"] = "aes256gcm16-modp2048"
    lab.office.connection["proposals"] = "aes256-sha256-ecp256-modp2048"
    lab.cloud.connection["proposals"] = "aes256-sha256-modp2048"


def story(lab):
    lab.up()
    lab.ask(4)
    for _ in range(3):
        lab.rekey()
        lab.wait(1)
        lab.ask(4)
    lab.rekey_ike()
    lab.wait(1)
    lab.ask(4)
    lab.down()
