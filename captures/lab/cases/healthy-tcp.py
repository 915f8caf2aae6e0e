"""Nothing is wrong: TCP both ways.

The office sends to a service of the cloud and gets the same back, the cloud does so at the office,
and pings pass in between.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP of full size in one direction and of the least size in the other, then the other way round.",
    sees_keyed="TCP connections that open, carry and close, without a retransmission.",
)


def story(lab):
    lab.cloud.serve(8080)
    lab.office.serve(8080)
    lab.up()
    lab.fetch(12000)
    lab.ask(3)
    lab.fetch(9000, side=lab.cloud)
    lab.fetch(300)
    lab.down()
