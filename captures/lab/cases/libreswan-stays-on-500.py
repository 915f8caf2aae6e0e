"""libreswan stays on UDP 500 behind a NAT, and takes back what it was granted.

libreswan at the cloud sits behind a masquerade and is told to do without UDP encapsulation: it sees the NAT,
and goes on at UDP 500. The office grants a child SA, which libreswan's kernel cannot install: it deletes it
in the same breath, asks again, and deletes again.
"""

from kit import Expect

needs = "libreswan"
expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("port-not-floated",),
    keyed="child-setup-failed",
    keyed_acceptable=("peer-internal-error", "port-not-floated"),
    also=("port-not-floated", "nat-detected"),
    sees="IKE_AUTH on UDP 500 although the hashes tell of a NAT; after it and after each CREATE_CHILD_SA an "
    "INFORMATIONAL exchange of the same side within milliseconds, and no ESP.",
    sees_keyed="Delete payloads that name the SPI which was asked for just before.",
)


def build(lab):
    lab.net.masquerade(lab.cloud.address)
    lab.office.connection["remote_addrs"] = "%any"
    lab.cloud.connection["encapsulation"] = "no"


def story(lab):
    lab.cloud.up()
    lab.wait(10)
