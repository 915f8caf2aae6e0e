"""Nothing is wrong: IKE fragments of 576 octets.

RSA certificates, and daemons that cut IKE messages to fit packets of 576 octets (RFC 7383): each of
the two messages of IKE_AUTH comes in several fragments.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="fragments numbered 1 to 4 or more each way, all there, none repeated; ESP both ways.",
    sees_keyed="certificates and signatures.",
)


def build(lab):
    lab.certify()
    lab.daemons(fragment_size=576)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
