"""BGP inside the tunnel stands, then one speaker dies.

A session stands for a quarter of a minute. Then the cloud's speaker ends, and its host refuses whoever calls.
Pings go on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("bgp-down",),
    keyed="bgp-down",
    sees="small packets of one size every three seconds, both ways, that stop while others go on.",
    sees_keyed="OPEN and KEEPALIVE of both, FIN, and then SYN after SYN to port 179 answered by RST.",
)


def build(lab):
    lab.speakers()
    lab.speaker = lab.cloud.traffic("bgp-listen", "169.254.20.2", 65000, 9)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.office.traffic("bgp-speak", "169.254.20.1", "169.254.20.2", 65020, 9)
    lab.wait(15)
    lab.speaker.kill()
    lab.ask(40, every=0.4)
