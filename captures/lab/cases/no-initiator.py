"""Nobody starts the tunnel anew.

The cloud deletes the tunnel; neither side is told to start it again. The LAN's packets leave in clear for
half a minute, until somebody at the office starts it by hand.
"""

from kit import Expect

expect = Expect(
    sealed="clear-text-leak",
    sealed_acceptable=("no-initiator", "tunnel-deleted"),
    sees="a delete, half a minute without any IKE in which packets for the other LAN leave in clear, then "
    "IKE_SA_INIT of the office.",
)


def story(lab):
    lab.up()
    lab.ask(8)
    lab.down(side=lab.cloud)
    lab.ask(30, every=1)
    lab.up()
    lab.ask(8)
