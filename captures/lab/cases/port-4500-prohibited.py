"""A filter on the way begins to refuse UDP 4500, and says so.

A tunnel through a NAT works, until a filter refuses whatever the office sends to UDP 4500: requests, answers and
ESP. Each is answered by an ICMP error.
"""

from kit import Expect

expect = Expect(
    sealed="ike-admin-prohibited",
    sealed_acceptable=("esp-blocked",),
    both_acceptable=("esp-blocked", "dpd-timeout"),
    sees="ESP that is not answered any more, liveness checks of both sides again and again, and ICMP 3/13 of the "
    "router about all that the office sends.",
)


def build(lab):
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.both(dpd_delay="2s")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(10)
    lab.net.refuse("iifname office udp dport 4500", "icmp type admin-prohibited")
    lab.ask(30, every=0.5)
