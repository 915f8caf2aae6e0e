"""Nothing is wrong: child SAs are closed and opened again, by either side.

Three child SAs through a NAT. Two of them are closed and asked for again, time after time, one of them by the cloud
in between; the third lives all along.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="three flows of ESP each way; two of them end with an informational exchange and go on under other SPIs, "
    "while the third goes on.",
    sees_keyed="deletes of child SAs for two of the three pairs of subnets, by the office and once by the cloud.",
)

PAIRS = {
    "lan": ("172.20.16.1", "172.20.48.1"),
    "two": ("172.20.17.1", "172.20.49.1"),
    "three": ("172.20.18.1", "172.20.50.1"),
}


def build(lab):
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")
    lab.another("three", "172.20.18.0/24", "172.20.50.0/24")
    lab.suite("chacha20poly1305-prfsha256-x25519", "chacha20poly1305")
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"


def story(lab):
    for child in PAIRS:
        lab.up(child)
    for closer in (lab.office, lab.cloud, lab.office):
        for source, target in PAIRS.values():
            lab.ask(3, source=source, target=target)
        lab.close("two", side=closer)
        lab.up("two")
        lab.close("three")
        lab.up("three")
    for source, target in PAIRS.values():
        lab.ask(6, source=source, target=target)
