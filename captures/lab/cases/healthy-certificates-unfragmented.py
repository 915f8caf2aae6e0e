"""Nothing is wrong: IKE_AUTH in IP fragments.

RSA certificates, and no fragmentation in IKE: the large messages of IKE_AUTH leave in IP fragments,
and the net carries them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH in two IP fragments each way, all of which arrive; ESP both ways.",
    sees_keyed="certificates and signatures.",
)


def build(lab):
    lab.certify()
    lab.both(fragmentation="no")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
