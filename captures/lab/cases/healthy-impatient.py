"""Nothing is wrong: daemons that repeat themselves too soon.

A round trip takes 400 ms, and both daemons repeat a request after 250. Each request goes out twice,
each answer comes back twice, and all is well.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("ike-retransmits",),
    sees="every request twice, 250 ms apart, and two equal answers, the first of them 400 ms after "
    "the first request. ESP has no gap.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.daemons(retransmit_timeout=0.25, retransmit_tries=6)
    lab.net.wire(delay=0.2)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey()
    lab.wait(8)
    lab.rekey_ike(side=lab.cloud)
    lab.wait(2)
    lab.ask(5)
    lab.down()
