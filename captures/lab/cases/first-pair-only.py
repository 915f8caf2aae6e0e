"""Four pairs of subnets asked for, one granted.

The office puts two subnets a side into one child SA. The cloud grants the first of each, as gateways do
that keep one SA per pair. The other pairs get no SA, and what is meant for them does not arrive.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("clear-text-leak", "ts-narrowed", "inner-no-reply"),
    keyed="ts-narrowed-first-pair",
    keyed_acceptable=("ts-narrowed",),
    sees="a response that is 32 octets shorter than one that grants everything, and packets of the other "
    "subnets in clear.",
    sees_keyed="two selectors a side in the request, one a side in the response, the first.",
)


def build(lab):
    lab.office.alias("172.20.17.1")
    lab.cloud.alias("172.20.49.1")
    lab.office.child["local_ts"] = "172.20.16.0/24,172.20.17.0/24"
    lab.office.child["remote_ts"] = "172.20.48.0/24,172.20.49.0/24"


def story(lab):
    lab.up()
    lab.ask(5)
    lab.ask(4, source="172.20.17.1", target="172.20.49.1")
    lab.ask(3)
    lab.down()
