"""Nothing is wrong: two authentications, one after the other.

The office authenticates by a certificate and then, in further rounds of IKE_AUTH, by EAP-MD5 (RFC
4739).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="answered rounds of IKE_AUTH, the first in fragments, then ESP both ways.",
    sees_keyed="MULTIPLE_AUTH_SUPPORTED, two AUTH payloads of the office, EAP success.",
)


def build(lab):
    lab.certify()
    for side in lab.sides:
        side.plug("eap-identity", "eap-md5", "md5")
        side.secrets["eap"] = {"id": "mary", "secret": '"little lamb"'}
    lab.office.connection["local-2"] = {"auth": "eap-md5", "id": lab.office.id, "eap_id": "mary"}
    lab.cloud.connection["remote-2"] = {"auth": "eap-md5", "eap_id": "%any"}


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
