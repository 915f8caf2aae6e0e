"""Nothing is wrong: one side proves itself by a key, the other by a certificate.

The office has a pre-shared key, the cloud a certificate, as remote access has it at times. The IKE SA is rekeyed.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH whose answer is large and whose request is small.",
    sees_keyed="a proof by pre-shared key, answered by a digital signature with a certificate.",
)


def build(lab):
    lab.certify("ecdsa-256")
    lab.office.local.pop("certs")
    lab.office.local["auth"] = "psk"
    lab.cloud.remote["auth"] = "psk"


def story(lab):
    lab.up(timeout=8)
    lab.ask(4)
    lab.rekey_ike()
    lab.ask(4)
    lab.down()
