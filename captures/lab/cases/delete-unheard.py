"""A delete that does not arrive.

From one moment on what the cloud says by IKE is lost. The cloud closes the child SA, and its delete does not arrive.
As long as it waits for the answer it keeps the SA, and pings are answered; then it gives up, and the office goes on
sending on an SA that nobody has any more. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="dpd-timeout",
    sealed_acceptable=("ike-one-way",),
    keyed_acceptable=("unknown-spi",),
    keyed="dpd-timeout",
    keyed_also=("unknown-spi",),
    sees="a request of the cloud again and again, without an answer, and ESP of the cloud that ends ten seconds after "
    "the last copy, while that of the office goes on.",
    sees_keyed="that the request is the delete of the child SA, and that echo requests were answered until then.",
)


def build(lab):
    lab.tap = lab.cloud


def story(lab):
    lab.up()
    lab.ask(8)
    lab.lose("iifname cloud udp sport { 500, 4500 }")
    lab.together(lambda: lab.ask(80, every=0.5), lambda: lab.close(side=lab.cloud))
