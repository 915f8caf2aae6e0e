"""IKEv1 in aggressive mode: the responder is not who the initiator expects.

The cloud names itself in message 2, which is in clear. The office wants other.example.org and answers
INVALID-ID-INFORMATION, in clear as well.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="id-mismatch",
    sealed_acceptable=("auth-failed",),
    sees="message 2 of aggressive mode with the identity cloud.example.org, answered by INVALID-ID-INFORMATION.",
)


def build(lab):
    lab.ikev1()
    lab.both(aggressive="yes")
    for side in lab.sides:
        side.settings["i_dont_care_about_security_and_use_aggressive_mode_psk"] = "yes"
    lab.office.remote["id"] = "other.example.org"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
