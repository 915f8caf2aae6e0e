"""Nothing is wrong: EAP-TLS.

The gateway proves itself by a certificate, the user by another one in EAP-TLS (RFC 5216), which takes
many rounds of IKE_AUTH.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="many answered rounds of IKE_AUTH, some of them large, then ESP both ways.",
    sees_keyed="EAP-TLS, and success at its end.",
)


def build(lab):
    lab.certify("ecdsa-256")
    for side in lab.sides:
        side.plug("eap-identity", "eap-tls")
    lab.office.local["auth"] = "eap-tls"
    lab.cloud.remote["auth"] = "eap-tls"


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
