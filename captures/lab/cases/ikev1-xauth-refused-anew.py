"""IKEv1: the password is no longer good when the user is asked anew.

Main mode with a pre-shared key, then XAuth of mary; a tunnel comes up. Then her password is changed at the cloud, and
the office authenticates anew: the cloud refuses her. The office gives up the child SA too, and what its LAN asks then
leaves in clear.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="clear-text-leak",
    sealed_acceptable=("auth-failed",),
    keyed="eap-failed",
    sees="main mode and transaction exchanges, quick mode and ESP both ways; the same again without quick mode, and then "
    "echo requests between private addresses in clear.",
    sees_keyed="the status FAIL after the name mary.",
)


def build(lab):
    lab.ikev1()
    for side in lab.sides:
        side.plug("xauth-generic", "attr")
        side.secrets["xauth"] = {"id": "mary", "secret": '"little lamb"'}
    lab.office.connection["local-x"] = {"auth": "xauth", "xauth_id": "mary"}
    lab.cloud.connection["remote-x"] = {"auth": "xauth"}


def story(lab):
    lab.up()
    lab.ask(5)
    lab.cloud.secrets["xauth"]["secret"] = '"big wolf"'
    lab.cloud.vici("--clear-creds")
    lab.cloud.reload()
    lab.reauthenticate()
    lab.wait(3)
    lab.ask(8)
