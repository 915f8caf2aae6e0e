"""The cloud sends the office to a gateway that says nothing.

In the middle of the traffic the cloud redirects the office (RFC 5685) to 203.0.113.36. The office asks
there; the net drops all that goes there.
"""

from kit import Expect

expect = Expect(
    sealed="ike-no-response",
    sees="an INFORMATIONAL exchange of the cloud, and IKE_SA_INIT to another address, unanswered, which says by "
    "REDIRECTED_FROM who sent it there; ESP of neither side any more.",
    sees_keyed="REDIRECT with that address.",
)


def build(lab):
    lab.lose("ip daddr 203.0.113.36")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.cloud.vici("--redirect", "--ike", "peer", "--gateway", "203.0.113.36")
    lab.wait(12)
