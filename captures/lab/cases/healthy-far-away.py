"""Nothing is wrong: a peer on the other side of the world.

The net takes 150 ms each way. The tunnel comes up, is rekeyed, carries pings and a TCP transfer, and
answers liveness checks, all of it 300 ms later.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="every exchange answered after 300 ms, from the first to the last: that is the distance, not a "
    "change. Nothing is lost or repeated.",
    sees_keyed="a TCP connection that opens, carries and closes.",
)


def build(lab):
    lab.both(dpd_delay="5s")
    lab.net.wire(delay=0.15)


def story(lab):
    lab.cloud.serve(8080)
    lab.up()
    lab.ask(6, every=0.5)
    lab.fetch(8000)
    lab.rekey()
    lab.wait(6)
    lab.ask(4, every=0.5)
    lab.down()
