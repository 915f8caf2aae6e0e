"""A NAT gives port 4500 of its client the port 500.

The office is behind a NAT that gives what comes from port 500 another port, and what comes from port 4500 the port 500.
The cloud, strongSwan, expects no non-ESP marker before what comes from port 500, and reads nothing. Recorded at the
cloud.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="port-4500-rewritten",
    sealed_acceptable=("ike-auth-no-response", "port-4500-blocked"),
    also=("nat-detected",),
    sees="four messages of main mode on port 500, then message 5 from port 500 to port 4500 again and again, without an "
    "answer; at the second tap it comes from port 4500.",
)


def build(lab):
    lab.ikev1()
    lab.tap = lab.cloud
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.space.nft("add chain inet lab postrouting { type nat hook postrouting priority 100; }")
    for port, given in ((500, 40000), (4500, 500)):
        words = f"oifname cloud udp sport {port} snat ip to {lab.cloud.router}:{given}"
        lab.net.space.nft(f"add rule inet lab postrouting {words}")


def story(lab):
    lab.up(timeout=16)
    lab.wait(3)
