"""Nothing is wrong: a download.

Small requests of the office, large answers of the cloud over TCP, twice, with a pause between.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP of full size towards the office, ESP of the least size away from it, no gap.",
    sees_keyed="TCP connections whose data flow in one direction mostly, without a retransmission.",
)


def story(lab):
    lab.cloud.serve(8080, None, "--times", 80)
    lab.up()
    lab.fetch(250, times=80)
    lab.wait(3)
    lab.fetch(120, times=80)
    lab.down()
