"""Nothing is wrong: IKEv1 in aggressive mode, with a user name and a password.

Aggressive mode with a pre-shared key, then a user name and a password in transaction exchanges
(XAuth), quick mode, and a rekeyed child SA.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="aggressive mode of three messages, identities in clear, transaction exchanges, two quick modes, "
    "ESP both ways under one pair of SPIs after the other.",
    sees_keyed="name and password, the answer OK, two deletes.",
)


def build(lab):
    lab.ikev1()
    lab.both(aggressive="yes")
    for side in lab.sides:
        side.plug("xauth-generic", "attr")
        side.settings["i_dont_care_about_security_and_use_aggressive_mode_psk"] = "yes"
        side.secrets["xauth"] = {"id": "mary", "secret": '"little lamb"'}
    lab.office.connection["local-x"] = {"auth": "xauth", "xauth_id": "mary"}
    lab.cloud.connection["remote-x"] = {"auth": "xauth"}


def story(lab):
    lab.up()
    lab.ask(4)
    lab.rekey()
    lab.wait(1)
    lab.ask(4)
    lab.down()
