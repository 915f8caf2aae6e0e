"""IKEv1: the answers to a rekeying do not come back, while ESP passes.

The tunnel is up, and from one moment on the net drops what the cloud sends from UDP 500. The office asks for a new
child SA by quick mode, again and again; the cloud answers each time.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="rekey-failed",
    sealed_acceptable=("dpd-despite-traffic", "dpd-timeout"),
    both="ike-one-way",
    sees="message 1 of quick mode five times without an answer, and ESP in both directions all the while.",
)


def build(lab):
    lab.ikev1("aes256-sha1-modp1024", "aes256-sha1")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(8)
    lab.lose("iifname cloud udp sport 500")
    lab.together(lab.rekey, lambda: lab.ask(50))
