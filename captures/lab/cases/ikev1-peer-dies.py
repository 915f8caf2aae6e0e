"""IKEv1: the peer's daemon dies and does not come back.

The cloud's daemon is killed under a working tunnel. Its host answers ESP by ICMP protocol unreachable, and the
liveness checks of the office by port unreachable where its limit of ICMP errors leaves room for that.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="ike-port-unreachable",
    sealed_acceptable=("esp-blocked", "dpd-timeout"),
    also=("esp-blocked", "dpd-timeout"),
    sees="ESP both ways, then that of the office alone, many ICMP errors that quote it, one that quotes a liveness "
    "check, and liveness checks without an answer.",
)


def build(lab):
    lab.ikev1()
    lab.both(dpd_delay="3s")


def story(lab):
    lab.up()
    lab.ask(15)
    lab.cloud.kill()
    lab.ask(40, every=0.5)
