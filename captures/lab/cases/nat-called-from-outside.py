"""The path dies, and the cloud calls an office that is behind a NAT.

Liveness checks of both sides fail. The cloud then begins anew, to port 500 of the NAT, which lets in nothing that
begins outside and says so by ICMP. Recorded at the cloud, whose packets reach the NAT while those beyond it are lost.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="dpd-timeout",
    sealed_acceptable=("path-outage",),
    sees="liveness checks to a port that a NAT gave, unanswered; then main mode to port 500 of that address, and ICMP "
    "port unreachable of the NAT.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.ikev1("aes256-sha1-modp2048", "aes256-sha1")
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.both(dpd_delay="1s", dpd_timeout="4s")
    lab.children(dpd_action="restart")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(8)
    lab.lose("meta l4proto { udp, esp }")
    lab.wait(12)
