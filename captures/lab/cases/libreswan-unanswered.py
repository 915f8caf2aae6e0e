"""libreswan asks and nobody answers.

The net drops what the office, libreswan, sends to port 500. It says its request again on a schedule of its own: after half
a second, after as long again, and from then on after twice as long each time.
"""

from kit import Expect

needs = "libreswan-both"
expect = Expect(
    sealed="ike-no-response",
    also=("initiator-fingerprint",),
    sees="IKE_SA_INIT again and again without an answer, at times that double.",
)


def story(lab):
    lab.lose("iifname office udp dport 500")
    lab.office.up()
    lab.wait(45)
