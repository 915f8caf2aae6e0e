"""A port forwarding sends UDP 4500 to port 500.

A device in front of the cloud forwards UDP 500 to port 500, and UDP 4500 to port 500 as well. Encapsulation is forced, so
the office goes on at port 4500; the cloud takes the non-ESP marker for the beginning of a message. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="port-4500-rewritten",
    sealed_acceptable=("ike-auth-no-response",),
    also=("nat-detected",),
    sees="IKE_SA_INIT answered on port 500, then IKE_AUTH from port 4500 to port 500 again and again, without an answer; "
    "at the second tap it goes to port 4500.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(encap="yes")
    lab.net.space.nft("add chain inet lab prerouting { type nat hook prerouting priority -100; }")
    forward = "iifname office udp dport 4500 dnat ip to"
    lab.net.space.nft(f"add rule inet lab prerouting {forward} {lab.cloud.address}:500")


def story(lab):
    lab.up(timeout=16)
    lab.wait(3)
