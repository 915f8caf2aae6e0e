"""Nothing is wrong: ESP in UDP where no NAT is.

Both sides ask for encapsulation, which in IKEv2 means to feign a NAT in the hashes of
IKE_SA_INIT. Keepalives every five seconds while nobody talks.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="hashes of source and destination that fit no address, IKE on port 4500, ESP in UDP, and packets "
    "of one octet, 0xff, while the tunnel is idle.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.both(encap="yes")
    lab.daemons(keep_alive="5s")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.wait(17)
    lab.ask(5, size=400)
    lab.down()
