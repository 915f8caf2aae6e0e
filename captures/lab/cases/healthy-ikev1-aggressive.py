"""Nothing is wrong: IKEv1 in aggressive mode.

Aggressive mode with a pre-shared key, quick mode, pings, deletes.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    also=("weak-crypto",),
    sees="aggressive mode of three messages with identities and a hash in clear, which invites guesses of "
    "the key: worth a line, no fault. Quick mode, ESP both ways.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.ikev1()
    lab.both(aggressive="yes")
    lab.daemons(i_dont_care_about_security_and_use_aggressive_mode_psk="yes")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.down()
