"""ESP in UDP: the cloud's daemon dies.

Both sides force UDP encapsulation, so that NAT detection fits at neither. The cloud's daemon is killed under a working
tunnel and does not come back: its host answers what comes to port 4500 by ICMP. No NAT is there that could have
forgotten a port.
"""

from kit import Expect

expect = Expect(
    sealed="esp-blocked",
    sealed_acceptable=("ike-port-unreachable",),
    sees="ESP in UDP both ways, then that of the office alone, answered by ICMP 3/3 of the cloud; the cloud was asked "
    "first, so its ports are open to the outside.",
)


def build(lab):
    lab.both(encap="yes")


def story(lab):
    lab.up()
    lab.ask(10)
    lab.cloud.kill()
    lab.ask(14, every=0.5)
    lab.wait(6)
