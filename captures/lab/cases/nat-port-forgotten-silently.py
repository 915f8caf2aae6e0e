"""A NAT forgets the port that it gave, and says nothing.

The office sits behind a masquerade that forgets a silent flow after five seconds and drops, without a word, what
comes for a port that it does not know. No side sends keepalives or liveness checks. After 20 idle seconds the
office's ESP leaves from another port, and what the cloud answers goes to the old one, until the office rekeys.
"""

from kit import Expect

expect = Expect(
    sealed="nat-mapping-changed",
    sealed_acceptable=("peer-address-changed",),
    also=("nat-detected",),
    sees="ESP of the same SPI from a new port after a pause, answers to the old one, and no ICMP; an exchange from the "
    "new port, after which answers go there.",
    sees_keyed="echo requests, each of them answered to the wrong port.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(mobike="no")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.daemons(keep_alive="0s")
    lab.net.masquerade(lab.office.address, forgets=5, silent=True)


def story(lab):
    lab.up()
    lab.ask(8)
    lab.wait(20)
    lab.ask(24)
    lab.rekey()
    lab.ask(12)
    lab.down()
