"""Nothing is wrong: ESP and no IKE.

The tunnel was up before the tap records, and nothing is negotiated while it does: pings and TCP, both
ways.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two SPIs, one each way, without a gap, and not one IKE message.",
    sees_keyed="pings that are answered and a TCP connection that closes.",
)


def before(lab):
    lab.up()
    lab.ask(3)


def story(lab):
    lab.cloud.serve(8080)
    lab.ask(10)
    lab.fetch(5000)
    lab.ask(5, side=lab.cloud)
