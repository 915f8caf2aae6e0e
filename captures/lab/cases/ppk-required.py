"""The office requires a post-quantum pre-shared key, and the cloud has none.

The office says USE_PPK in IKE_SA_INIT, the cloud does not answer that, and the office stops there, as RFC 8784
wants it. So it goes twice.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("ike-auth-no-response", "healthy"),
    sees="IKE_SA_INIT with USE_PPK, answered without it, and nothing more: the office neither asks again nor sends "
    "IKE_AUTH, and begins anew.",
)


def build(lab):
    lab.office.connection.update(ppk_id="winter", ppk_required="yes")
    lab.office.secrets["ppk"] = {"id": "winter", "secret": '"thirty-two octets of entropy here"'}


def story(lab):
    lab.up(timeout=8)
    lab.wait(4)
    lab.up(timeout=8)
    lab.wait(4)
