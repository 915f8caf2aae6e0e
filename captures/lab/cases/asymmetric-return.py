"""What leaves by one tunnel returns by another.

The cloud has two addresses, and a tunnel to each, with the same selectors. The office brought up the one and the
cloud the other in the same moment, so that each side sends by the tunnel of its own peer: the office's requests go
to the one address, and the answers come from the other.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    keyed="asymmetric-return",
    sees="two tunnels of one gateway, ESP one way in each.",
    sees_keyed="echo requests in one tunnel and their replies in the other.",
)

SECOND = "203.0.113.35"


def build(lab):
    lab.cloud(f"ip address add {SECOND}/28 dev wan")
    lab.net.wire(delay=0.3)
    for side, own in ((lab.office, "remote_addrs"), (lab.cloud, "local_addrs")):
        other = {name: value for name, value in side.connection.items() if name != "children"}
        other[own] = SECOND
        other["children"] = {"lan2": {**side.child}}
        side.connections["second"] = other
    lab.both(dpd_delay="4s")
    lab.daemons(**{"retransmit_timeout": 3})


def story(lab):
    lab.together(lambda: lab.up("lan"), lambda: lab.up("lan2", side=lab.cloud))
    lab.wait(1)
    lab.ask(30)
    lab.wait(6)
