"""Nothing is wrong: IKEv1 with XAuth, and the user is asked anew.

Main mode with a pre-shared key, a user name and a password. Twice the office authenticates anew: phase 1 and XAuth, and
no quick mode, for the child SA of before goes on.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="three times main mode and transaction exchanges, quick mode after the first alone; ESP both ways under one pair "
    "of SPIs all the time.",
    sees_keyed="the answer OK each time.",
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
    for _ in range(2):
        lab.reauthenticate()
        lab.wait(3)
        lab.ask(5)
    lab.down()
