"""The office wants to authenticate by EAP, and the cloud has none for it.

The office sends no AUTH and waits for EAP; the cloud has a pre-shared key for it and refuses.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sees="IKE_AUTH answered by a message that has room for one notify: refused, the reason sealed.",
    sees_keyed="a request without AUTH, which asks for EAP: no pre-shared key can be wrong.",
)


def build(lab):
    lab.office.plug("eap-identity", "eap-mschapv2", "md4", "md5")
    lab.office.secrets["eap"] = {"id": "mary", "secret": '"little lamb"'}
    lab.office.local.clear()
    lab.office.local.update(auth="eap-mschapv2", id=lab.office.id, eap_id="mary")


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
