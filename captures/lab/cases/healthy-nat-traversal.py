"""Nothing is wrong: behind a masquerade, seen from the inside.

The office reaches the net through a NAT that changes its address and its ports. The tap sits before
the NAT, the second one at the cloud. Child and IKE SA are rekeyed by the office, then by the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="IKE that moves to UDP port 4500 after the first exchange, ESP in UDP, keepalives. Each side sees "
    "the other under an address of its own: the taps disagree on who talks, as they must.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.daemons(keep_alive="6s")
    lab.net.masquerade(lab.office.address)


def story(lab):
    lab.up()
    lab.ask(6)
    lab.rekey()
    lab.ask(4, size=500)
    lab.rekey_ike()
    lab.wait(8)
    lab.rekey(side=lab.cloud)
    lab.ask(4, side=lab.cloud)
    lab.rekey_ike(side=lab.cloud)
    lab.wait(1)
    lab.ask(4)
    lab.down()
