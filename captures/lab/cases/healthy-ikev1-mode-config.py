"""Nothing is wrong: IKEv1 with an address from a pool.

Main mode with certificates, then the office asks for an address in a transaction exchange (mode
config), gets one, and talks from it.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sees="main mode, a transaction exchange of two messages, quick mode, ESP both ways.",
    sees_keyed="a request for an address and a DNS server, a reply with both, and pings from that address.",
)


def build(lab):
    lab.ikev1()
    lab.certify("ecdsa-256")
    lab.road()
    for side in lab.sides:
        side.plug("attr")


def story(lab):
    lab.up()
    lab.ask(5, source="172.20.64.1")
    lab.down()
