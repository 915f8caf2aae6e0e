"""A tunnel that works with algorithms nobody should use.

3DES, SHA-1 and the 1024-bit group, by IKEv1 in aggressive mode with a pre-shared key.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sealed_acceptable=("weak-crypto",),
    also=("weak-crypto",),
    sees="the SA payload of the first two messages in clear.",
)


def build(lab):
    lab.daemons(i_dont_care_about_security_and_use_aggressive_mode_psk="yes")
    lab.ikev1("3des-sha1-modp1024", "3des-sha1")
    lab.both(aggressive="yes")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.down()
