"""The office comes back with another address.

The office's provider gives it a new address in the middle of a working tunnel, and MOBIKE is off. The old
tunnel falls silent; the office starts anew from the new address, which the cloud
does not refuse. The router says that the old address is gone.
"""

from kit import Expect

expect = Expect(
    sealed="peer-address-changed",
    sealed_acceptable=("ike-host-unreachable",),
    sees="a tunnel from 203.0.113.18 that stops, then an initiator with the same offer and the same vendor "
    "IDs from 203.0.113.19.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(mobike="no", dpd_delay="4s")
    lab.cloud.connection["remote_addrs"] = "%any"


def story(lab):
    lab.up()
    lab.ask(6)
    lab.office("ip address del 203.0.113.18/28 dev wan")
    lab.office("ip address add 203.0.113.19/28 dev wan")
    lab.office("ip route replace default via 203.0.113.17")
    lab.office.connection["local_addrs"] = "203.0.113.19"
    lab.office.kill()
    lab.wait(14)
    lab.office.start()
    lab.up()
    lab.ask(6)
    lab.wait(2)
