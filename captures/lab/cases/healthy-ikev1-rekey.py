"""Nothing is wrong: rekeys of IKEv1.

The office's quick modes with PFS replace the ESP SAs every seven seconds, and its main mode replaces
the ISAKMP SA in between, under steady pings.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="quick mode several times, each new pair of SPIs taking over from the last; a second main mode "
    "while the tunnel works.",
    sees_keyed="the same identities in every quick mode.",
)


def build(lab):
    lab.ikev1(esp="aes128-sha256-modp2048")
    lab.office.connection.update(rekey_time="16s", over_time="8s", rand_time="0s")
    lab.office.child.update(rekey_time="7s", life_time="14s", rand_time="0s")


def story(lab):
    lab.up()
    lab.ask(60, every=0.5)
    lab.down()
