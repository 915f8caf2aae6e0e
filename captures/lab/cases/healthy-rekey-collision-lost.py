"""Nothing is wrong: both sides rekey the child SA at once, and a request is lost.

A round trip takes 200 ms, and both sides start a rekey within it. The first IKE message that the cloud
sends then, its request, is lost and comes again; the redundant SA is deleted (RFC 7296 section 2.8.1), and
traffic goes on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("ike-retransmits", "rekey-collision"),
    sees="CREATE_CHILD_SA requests that cross, one of them sent twice, both answered, then deletes; one pair "
    "of SPIs is used further.",
    sees_keyed="both rekey the same SA, and the one with the lowest nonce goes.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(delay=0.1)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.lose("iifname cloud udp sport { 500, 4500 } limit rate 1/hour burst 1 packets")
    lab.together(lab.rekey, lambda: lab.rekey(side=lab.cloud))
    lab.wait(3)
    lab.heal()
    lab.ask(8)
    lab.down()
