"""Everything stops for some seconds while only one side asks.

The office pings the cloud. For six seconds the net drops all that passes; the cloud has nothing to answer
meanwhile, and says nothing of its own. Recorded at the cloud, where for that time nothing is in the capture.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sealed_acceptable=("packet-loss",),
    sees="six seconds without a packet, after which twenty sequence numbers of the office are missing and none of the "
    "cloud, which answered each packet before and afterwards.",
    sees_keyed="echo requests that never came.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.suite("aes256-sha256-modp2048", "aes256-sha256")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(15)
    lab.lose("meta l4proto { udp, esp }")
    lab.ask(20)
    lab.heal()
    lab.ask(15)
