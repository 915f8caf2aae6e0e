"""IKEv1: ESP of the cloud is lost for a while, and quick mode renews the SAs meanwhile.

The tunnel carries pings. For eight seconds the net drops ESP of the cloud, and nothing else; in the middle of that the
office renews the child SA by quick mode. Then ESP passes again.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="packet-loss",
    sealed_acceptable=("path-outage", "esp-one-way"),
    sees="ESP of the cloud that stops for eight seconds, while that of the office goes on, and a quick mode that is "
    "answered at once; the first packet of the cloud on the new SA has a number well above 1.",
    sees_keyed="echo requests without replies in that time.",
)


def build(lab):
    lab.ikev1()


def story(lab):
    def fault():
        lab.wait(5)
        lab.lose("iifname cloud ip protocol esp")
        lab.wait(4)
        lab.rekey()
        lab.wait(4)
        lab.heal()

    lab.up()
    lab.together(lambda: lab.ask(80, every=0.25), fault)
    lab.down()
