"""The path dies.

A tunnel comes up and twenty pings are answered. Then the net drops everything, both ways. The
office goes on sending ESP, repeats its liveness check in vain, gives the tunnel up, and starts a new
one, in vain too.
"""

from kit import Expect

expect = Expect(
    sealed="dpd-timeout",
    sealed_acceptable=("path-outage",),
    sees="a tunnel that works, then nothing from the peer, of any kind, from one moment on; ESP goes on "
    "for a while, an INFORMATIONAL request is repeated four times, and a new IKE_SA_INIT is not "
    "answered. At the other end the mirror image: the peer falls silent there too.",
    sees_keyed="the repeated request is empty: a liveness check.",
)


def build(lab):
    lab.both(dpd_delay="6s")
    lab.children(dpd_action="restart")


def story(lab):
    lab.up()
    lab.ask(20)
    lab.lose(f"ip saddr {lab.office.address}")
    lab.lose(f"ip daddr {lab.office.address}")
    lab.ask(10, every=1)
    lab.wait(22)
