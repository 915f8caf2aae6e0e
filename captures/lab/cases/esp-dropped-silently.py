"""IP protocol 50 vanishes in both directions.

A filter lets IKE pass and drops ESP without a word. Each gateway sends; nothing arrives.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("esp-blocked",),
    both="esp-blocked",
    both_acceptable=("esp-one-way",),
    sees="ESP from the office alone, though liveness checks are answered.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.lose("ip protocol esp")


def story(lab):
    lab.up()
    lab.ask(14)
    lab.ask(4, side=lab.cloud)
    lab.down()
