"""ESP of the office is lost beyond its tap; what the cloud asks arrives.

From the beginning the net drops ESP towards the cloud. First hosts behind the office ping in vain, then one
behind the cloud does, whose requests arrive at the office and are answered: those answers are lost as well.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("esp-one-way",),
    keyed="inner-no-reply",
    both="esp-one-way",
    sees="ESP of the office alone at first, then as many packets each way.",
    sees_keyed="echo requests of the office without replies, and of the cloud with replies.",
)


def build(lab):
    lab.lose("iifname office ip protocol esp")
    lab.both(dpd_delay="5s")


def story(lab):
    lab.up()
    lab.ask(20)
    lab.ask(30, side=lab.cloud)
    lab.wait(6)
