"""A selector that is a range and not a prefix.

The office's selector is 172.20.16.5 to 172.20.16.77.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="ts-not-cidr",
    sees="nothing: a healthy tunnel.",
    sees_keyed="a traffic selector that no prefix describes.",
)


def build(lab):
    lab.office.alias("172.20.16.9")
    lab.office.child["local_ts"] = "172.20.16.5-172.20.16.77"
    lab.cloud.child["remote_ts"] = "172.20.16.5-172.20.16.77"


def story(lab):
    lab.up()
    lab.ask(5, source="172.20.16.9")
    lab.down()
