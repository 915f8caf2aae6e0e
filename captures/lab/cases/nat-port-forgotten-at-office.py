"""A NAT forgets the port that it gave, seen at the office.

The office sits behind a masquerade that forgets a silent flow after five seconds and drops, without a word, what
comes for a port that it does not know. No side sends keepalives or liveness checks. After 20 idle seconds the
office's ESP leaves the NAT from another port, and what the cloud answers goes to the old one. Recorded at the office,
which sees no port change; the second tap is the cloud's.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    both="nat-mapping-changed",
    also=("nat-detected",),
    sees="ESP both ways, a pause of 20 s, and then ESP of the office alone; a NAT is there.",
    sees_keyed="echo requests without replies from then on.",
)


def build(lab):
    lab.both(mobike="no")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.daemons(keep_alive="0s")
    lab.net.masquerade(lab.office.address, forgets=5, silent=True)


def story(lab):
    lab.up()
    lab.ask(8)
    lab.wait(20)
    lab.ask(60)
