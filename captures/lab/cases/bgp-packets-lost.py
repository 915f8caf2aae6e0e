"""BGP inside the tunnel stands, then nothing of it reaches the cloud's speaker.

A filter behind the cloud drops TCP port 179 from one moment on. Both speakers send their last keepalives again and
again, which nobody acknowledges there, until the office's gives up and calls anew, in vain. Pings go on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("bgp-down",),
    keyed="bgp-down",
    sees="small packets of one size every three seconds, both ways, that change their rhythm while others go on.",
    sees_keyed="KEEPALIVEs of both, one of each sent again and again, and then SYN after SYN to port 179 without an "
    "answer. No FIN, no RST and no NOTIFICATION.",
)


def build(lab):
    lab.outside6()
    lab.suite("aes256-sha256-modp2048", "aes256-sha256")
    lab.speakers()


def before(lab):
    lab.up()


def story(lab):
    lab.cloud.traffic("bgp-listen", "169.254.20.2", 65000, 9)
    lab.office.traffic("bgp-speak", "169.254.20.1", "169.254.20.2", 65020, 9)
    lab.wait(12)
    lab.cloud.nft("add rule inet host in tcp dport 179 drop")
    lab.ask(40, every=0.45)
