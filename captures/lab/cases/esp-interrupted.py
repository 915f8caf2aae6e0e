"""ESP of the cloud is lost for a while, and IKE is not.

The tunnel carries pings. For fifteen seconds the net drops ESP of the cloud, and nothing else; both gateways ask each
other all the while whether they live, and hear that they do. Then ESP passes again.
"""

from kit import Expect

expect = Expect(
    sealed="packet-loss",
    sealed_acceptable=("esp-one-way",),
    sees="ESP of the cloud that stops for fifteen seconds, while that of the office and liveness checks of both go on; "
    "when it comes again as many numbers are missing as packets of the office had no answer.",
    sees_keyed="echo requests without replies in that time.",
)


def build(lab):
    lab.both(dpd_delay="5s")


def story(lab):
    lab.up()
    lab.ask(40)
    lab.lose("iifname cloud ip protocol esp")
    lab.ask(50)
    lab.heal()
    lab.ask(50)
