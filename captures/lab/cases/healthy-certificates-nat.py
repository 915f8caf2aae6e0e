"""Nothing is wrong: certificates through a NAT.

RSA certificates make IKE_AUTH large, and it passes a NAT in IKE fragments. The tunnel is rekeyed by
both sides, seen from the responder.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="IKE_AUTH in fragments from a strange port, answered in fragments, ESP in UDP both ways.",
    sees_keyed="certificates and signatures.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.certify()
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.office.address)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey(side=lab.cloud)
    lab.wait(1)
    lab.ask(5, side=lab.cloud)
    lab.rekey()
    lab.ask(5, size=600)
    lab.down()
