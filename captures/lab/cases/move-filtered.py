"""The office moves by MOBIKE, and the net lets nothing come from its new address.

The office has a working tunnel and gets another address. It asks the cloud from there, to tell it so if
an answer comes (RFC 4555); a filter on the way drops all that comes from that address.
"""

from kit import Expect

expect = Expect(
    sealed="dpd-timeout",
    sealed_acceptable=("path-outage", "ike-one-way"),
    sees="an INFORMATIONAL request from 203.0.113.20, which was never heard of, again and again, unanswered; and ESP "
    "of neither side any more.",
    sees_keyed="a request that holds nothing: a test whether that way works (RFC 4555 section 3.10).",
)


def build(lab):
    lab.lose("ip saddr 203.0.113.20")
    lab.office.connection["local_addrs"] = "%any"
    lab.cloud.connection["remote_addrs"] = "%any"


def story(lab):
    lab.up()
    lab.ask(6)
    lab.office("ip address del 203.0.113.18/28 dev wan")
    lab.office("ip address add 203.0.113.20/28 dev wan")
    lab.office("ip route add default via 203.0.113.17")
    lab.ask(40)
