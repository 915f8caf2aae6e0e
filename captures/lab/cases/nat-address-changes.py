"""A NAT gets another address, and the cloud goes on sending to the old one.

The office sits behind a NAT that forgets silent flows after two seconds. While nobody talks the NAT takes another
address for the office. ESP of the office then comes from there, under the same SA, and the cloud sends its own to
where the office was, which a router refuses.
"""

from kit import Expect

expect = Expect(
    sealed="peer-address-changed",
    sealed_acceptable=("esp-blocked",),
    keyed="peer-address-changed",
    keyed_acceptable=("esp-blocked", "asymmetric-return"),
    sees="ESP of one SA that comes from 203.0.113.33 first and from 203.0.113.44 later, ESP the other way that goes to "
    "203.0.113.33 all the while, and ICMP port unreachable about it.",
    sees_keyed="echo requests that are answered, though the answers do not arrive.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.net.space("ip address add 203.0.113.44/28 dev cloud")
    lab.net.masquerade(lab.office.address, forgets=2)


def before(lab):
    lab.up()


def story(lab):
    lab.ask(8)
    lab.net.space.nft(f"insert rule inet lab postrouting ip saddr {lab.office.address} snat ip to 203.0.113.44")
    lab.wait(5)
    lab.ask(30)
