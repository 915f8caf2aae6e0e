"""BGP inside the tunnel does not come up: the AS numbers do not match.

The cloud expects AS 65010, the office says AS 65020: OPEN is answered by NOTIFICATION 2/2, again and again.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("bgp-down",),
    keyed="bgp-down",
    sees="short bursts of small packets every few seconds.",
    sees_keyed="OPEN, NOTIFICATION 2/2 (Bad Peer AS) and a closed connection, again and again.",
)


def build(lab):
    lab.speakers()
    lab.cloud.traffic("--wants", 65010, "bgp-listen", "169.254.20.2", 65000, 30)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.office.traffic("bgp-speak", "169.254.20.1", "169.254.20.2", 65020, 30)
    lab.wait(16)
