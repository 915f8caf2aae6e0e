"""A gateway authenticates anew and is not believed any more.

The cloud renews its IKE SA by a new authentication, break before make: it deletes the old one and negotiates again at
once. Meanwhile the office's pre-shared key was changed.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("tunnel-deleted", "clear-text-leak"),
    keyed="auth-failed",
    keyed_acceptable=("psk-mismatch",),
    sees="a small INFORMATIONAL of the cloud, its IKE_SA_INIT some milliseconds later, and IKE_AUTH refused.",
    sees_keyed="the delete of the IKE SA, and AUTHENTICATION_FAILED for a pre-shared key.",
)


def build(lab):
    lab.both(reauth_time="0s", rekey_time="0s")
    lab.cloud.connection.update(reauth_time="5s", over_time="4s", rand_time="0s")
    lab.daemons(make_before_break="no")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(6)
    lab.office.secrets["ike"]["secret"] = '"another horse"'
    lab.office.reload()
    lab.ask(30)
