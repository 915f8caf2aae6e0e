"""The path is dark until both have given up, and the cloud begins anew.

For three quarters of a minute the net drops everything. Liveness checks of both sides fail, and both give the tunnel
up. Then the cloud negotiates anew. Recorded at the office, which cannot tell it from a cloud that restarted.
"""

from kit import Expect

expect = Expect(
    sealed="dpd-timeout",
    sealed_acceptable=("path-outage",),
    sees="ESP and a liveness check of the office without an answer, silence, and IKE_SA_INIT of the cloud.",
    sees_keyed="echo requests without replies in that time.",
)


def build(lab):
    lab.both(dpd_delay="2s")
    lab.children(dpd_action="clear")


def story(lab):
    lab.up()
    lab.ask(10)
    lab.lose("meta l4proto { udp, esp, icmp }")
    lab.ask(20, every=0.5)
    lab.wait(35)
    lab.heal()
    lab.up(side=lab.cloud)
    lab.ask(10)
