"""Everything stops for some seconds, and both gateways ask meanwhile whether the other lives.

The office sits behind a NAT. For five seconds the net drops all that passes. Recorded at the cloud, where
liveness checks of the cloud itself leave in vain, and, at the second tap, those of the office.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sees="a pause of five seconds in ESP of the office, after which ten sequence numbers are missing, and a liveness "
    "check that is sent again.",
    sees_keyed="echo requests that never came.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(dpd_delay="2s")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.office.address)


def before(lab):
    lab.up()


def story(lab):
    lab.ask(10)
    lab.lose("meta l4proto { udp, esp }")
    lab.ask(10, every=0.5)
    lab.heal()
    lab.ask(20)
