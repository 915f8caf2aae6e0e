"""Everything stops for twelve seconds, amid traffic of all kinds.

The office pings the cloud's LAN, after a stream of datagrams that nobody answers. For twelve seconds the net drops all
that passes, and a liveness check of the office is sent again and again meanwhile. Recorded at the office, where no
number of the cloud is missing: it had nothing to answer.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sees="a pause of twelve seconds in all that comes from the cloud, in which the office goes on sending and repeats an "
    "INFORMATIONAL request, which is answered when ESP comes again.",
    sees_keyed="echo requests without replies in the pause alone.",
)


def build(lab):
    lab.both(dpd_delay="3s")


def story(lab):
    lab.up()
    lab.office.traffic("datagrams", lab.office.lan, lab.cloud.lan, 9999, 40, 160, 0.05).wait()
    lab.ask(20, every=0.4)
    lab.lose("meta l4proto { udp, esp }")
    lab.ask(24, every=0.5)
    lab.heal()
    lab.ask(30, every=0.4)
