"""Nothing is wrong: the cloud sends the office to its other address.

The cloud has two addresses. In the middle of the traffic it redirects the office to the second
(RFC 5685), where the office negotiates anew and goes on.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="an INFORMATIONAL exchange started by the cloud, an answered delete, and at once a negotiation "
    "with 203.0.113.35, with which ESP goes on.",
    sees_keyed="REDIRECT with that address, and REDIRECTED_FROM in the new IKE_SA_INIT, which is in clear.",
)


def build(lab):
    lab.cloud("ip address add 203.0.113.35/28 dev wan")
    lab.cloud.connection["local_addrs"] = "203.0.113.34,203.0.113.35"


def story(lab):
    lab.up()
    lab.ask(5)
    lab.cloud.vici("--redirect", "--ike", "peer", "--gateway", "203.0.113.35")
    lab.wait(3)
    lab.ask(5)
    lab.down()
