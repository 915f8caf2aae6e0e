"""Nothing is wrong: behind a masquerade, seen from the cloud.

The office reaches the net through a NAT that changes its address and its ports: requests arrive from
203.0.113.33 and from ports that are neither 500 nor 4500. Both sides see it, move to UDP port 4500,
and carry ESP in UDP. The tunnel answers liveness checks and is deleted at the end.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="IKE from strange ports, whose hash of the source does not fit the address it comes from, ESP in "
    "UDP both ways, keepalives of one octet, an answered delete.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(dpd_delay="7s")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.masquerade(lab.office.address)


def story(lab):
    lab.up()
    lab.ask(8, every=0.4)
    lab.wait(24)
    lab.ask(4, every=0.4, size=400)
    lab.down()
