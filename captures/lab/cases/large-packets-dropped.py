"""The path drops large packets and says nothing.

The office sits behind a masquerade, so that ESP travels in UDP. What the cloud sends and is larger than 1300
octets is dropped on the way without a word: a TCP connection of the cloud to a service of the office stands
still with its first data, while pings and small transfers pass. Recorded at the cloud, soon after the last try.
"""

from kit import Expect

expect = Expect(
    sealed="mtu-black-hole",
    sealed_acceptable=("healthy",),
    keyed="mtu-black-hole",
    both="mtu-black-hole",
    sees="large packets that leave at doubling distances, beside pings that are answered; at the other gateway none "
    "of them arrives, and their numbers are missing.",
    sees_keyed="segments of 1400 octets that are sent again and again and never acknowledged, and small ones that are.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.masquerade(lab.office.address)
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.suite("aes128-sha256-modp2048", "aes128-sha256")
    lab.office.serve(8080)
    lab.lose("iifname cloud udp sport 4500 ip length > 1300")


def story(lab):
    lab.up()
    lab.together(lambda: lab.ask(60), lambda: try_later(lab))
    lab.fetch(200, side=lab.cloud)


def try_later(lab):
    lab.wait(2)
    lab.fetch(20000, patience=14, side=lab.cloud)
