"""Nothing is wrong: IKEv1, and each side has lifetimes of its own.

The office says nearly four hours for phase 1 and one for phase 2, the cloud one hour and twenty minutes. The office
starts the tunnel; later the cloud rekeys the child SA and reauthenticates, and names its own values.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    also=("lifetime-differs",),
    sees="two main modes of opposite initiators, which name different lifetimes in clear.",
    sees_keyed="the same of quick mode.",
)


def build(lab):
    lab.ikev1()
    lab.office.connection.update(reauth_time="13680s", over_time="720s", rand_time="0s")
    lab.cloud.connection.update(reauth_time="3420s", over_time="180s", rand_time="0s")
    lab.office.child.update(life_time="3600s", rekey_time="3200s", rand_time="0s")
    lab.cloud.child.update(life_time="1200s", rekey_time="1000s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.rekey(side=lab.cloud)
    lab.wait(1)
    lab.ask(4)
    lab.reauthenticate(side=lab.cloud)
    lab.wait(1)
    lab.ask(6)
    lab.down()
