"""Packets of the LAN leave in clear while there is no tunnel.

Between one tunnel and the next nothing holds the LAN's packets back: they leave unencrypted.
"""

from kit import Expect

expect = Expect(
    sealed="clear-text-leak",
    sealed_acceptable=("no-initiator", "tunnel-deleted"),
    sees="ESP, a delete, then packets from 172.20.16.1 to 172.20.48.1 in clear, then ESP again.",
)


def story(lab):
    lab.up()
    lab.ask(8)
    lab.down()
    lab.ask(15)
    lab.up()
    lab.ask(8)
    lab.down()
