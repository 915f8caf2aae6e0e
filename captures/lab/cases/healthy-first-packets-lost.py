"""Nothing is wrong: the first packets of a tunnel are lost.

The net drops ESP of the office for less than a second after the tunnel is up, as where a firewall opens late, and
nothing afterwards.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="seven packets of the office without an answer, then ESP both ways; at the second tap the office's ESP begins "
    "at number 8.",
    sees_keyed="echo requests without replies at the beginning.",
)


def story(lab):
    lab.up()
    lab.lose("iifname office ip protocol esp")
    lab.ask(7, every=0.1)
    lab.heal()
    lab.ask(40)
    lab.down()
