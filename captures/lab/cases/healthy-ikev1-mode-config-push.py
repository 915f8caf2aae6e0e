"""Nothing is wrong: IKEv1, and the gateway gives an address unasked.

Main mode with certificates; then the cloud sets the office's address in a transaction exchange of its own,
which the office acknowledges.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="main mode, a transaction exchange that the responder begins, quick mode, ESP both ways.",
    sees_keyed="CFG_SET with an address and a DNS server, CFG_ACK, and pings from that address.",
)


def build(lab):
    lab.ikev1()
    lab.certify("ecdsa-256")
    lab.road()
    lab.both(pull="no")
    for side in lab.sides:
        side.plug("attr")


def story(lab):
    lab.up()
    lab.ask(5, source="172.20.64.1")
    lab.down()
