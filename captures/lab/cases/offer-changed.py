"""The offer of one side is changed.

The tunnel comes up, works and is closed. Then the office is given other algorithms for IKE, which the cloud does not
have, and cannot make it again.
"""

from kit import Expect

expect = Expect(
    sealed="ike-proposal-mismatch",
    sees="a tunnel that works and is closed, then IKE_SA_INIT with another offer, refused by NO_PROPOSAL_CHOSEN.",
)


def build(lab):
    lab.both(proposals="aes128-sha256-modp2048")


def story(lab):
    lab.up()
    lab.ask(8)
    lab.down()
    lab.office.connection["proposals"] = "aes256-sha384-ecp384"
    lab.office.reload()
    lab.wait(1)
    lab.up(timeout=6)
    lab.wait(1)
    lab.up(timeout=6)
