"""A health check without answers, in IPv6 inside and outside.

The office pings a host behind the cloud every two seconds; that host drops it. Another host there answers pings all the
while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("health-check-unanswered",),
    keyed="health-check-unanswered",
    keyed_acceptable=("inner-no-reply",),
    sees="ESP both ways, fewer packets back.",
    sees_keyed="ICMPv6 echo requests to fd00:20:48::7 every two seconds, none answered, beside others that are.",
)


def build(lab):
    lab.outside6()
    lab.inside6()
    lab.cloud.alias("fd00:20:48::7")
    lab.cloud.nft("add rule inet host in ip6 daddr fd00:20:48::7 drop")


def story(lab):
    def check():
        lab.ask(13, every=2, source=lab.office.lan6, target="fd00:20:48::7")

    lab.up()
    lab.together(lambda: lab.ask6(40, every=0.7), check)
    lab.down()
