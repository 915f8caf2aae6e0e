"""Nothing is wrong: IKEv1 through a NAT.

Main mode finds the NAT by its hashes (RFC 3947), moves to port 4500 with its fifth message, and ESP
goes in UDP. Liveness checks and keepalives while the tunnel is idle.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="NAT-D payloads of which one fits no address, port 4500 from the fifth message on, ESP in UDP "
    "both ways.",
    sees_keyed="R-U-THERE and its ACK; encapsulation in UDP agreed on in quick mode.",
)


def build(lab):
    lab.ikev1()
    lab.both(dpd_delay="5s")
    lab.daemons(keep_alive="4s")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.office.address)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.wait(11)
    lab.ask(5, size=300)
    lab.down()
