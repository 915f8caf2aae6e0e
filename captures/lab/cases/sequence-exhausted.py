"""An SA runs out of sequence numbers.

The tunnel was up before the tap records. An encryption engine beside the office's daemon counts up to the last sequence
number that 32 bits hold, without extended numbers, and must stop there (RFC 4303 section 3.3.3). Nobody rekeys. A host
behind the cloud asks on, and the office has no number left for an answer.
"""

from kit import Expect

expect = Expect(
    sealed="sequence-exhausted",
    sees="ESP both ways; the sequence numbers of the office end at 4294967295, and its ESP with them, while the cloud's "
    "goes on.",
    sees_keyed="echo requests of the cloud without replies.",
)

LAST = 2**32 - 1


def before(lab):
    lab.up()
    # What the daemon itself would send has numbers of its own.
    lab.office.nft("add rule inet host out oifname ipsec0 drop")


def story(lab):
    lab.office.engine(lab.office.lan, lab.cloud.lan, 40, number=LAST - 39).wait()
    lab.ask(40, side=lab.cloud)
    lab.wait(1)
