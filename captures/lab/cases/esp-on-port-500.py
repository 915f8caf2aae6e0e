"""ESP in UDP arrives on port 500.

Both sides force UDP encapsulation. A device before the cloud sends what comes for port 4500 to port 500, and takes the
marker off that tells IKE from ESP there (RFC 3948 section 2.2): IKE works, and the cloud takes the office's ESP for broken
IKE. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="esp-on-port-500",
    sees="IKE_AUTH on port 500 although a NAT was detected, then UDP on port 500 that is no IKE, with an SPI and a number "
    "that grows; nothing comes back.",
    sees_keyed="the SPI that the cloud named, in those packets.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(encap="yes")
    lab.net.wire(only=500)


def story(lab):
    lab.up()
    lab.ask(24)
    lab.wait(2)
    lab.down()
