"""IPv6 fragments do not pass, and large pings vanish.

The links take 1280 octets, so that the office cuts large ESP packets into fragments, and the net drops every
fragment. Small pings are answered before and afterwards. The recording begins late and ends soon after the last
large ping.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("mtu-black-hole", "esp-fragments-lost", "esp-one-way"),
    keyed="mtu-black-hole",
    keyed_acceptable=("esp-fragments-lost",),
    both="mtu-black-hole",
    both_acceptable=("esp-fragments-lost",),
    sees="ESP that leaves in fragments, and nothing in return meanwhile.",
    sees_keyed="fifteen echo requests of 1328 octets without a reply, between ten of 84 with one.",
)


def build(lab):
    lab.outside6()
    lab.suite("aes128-sha1-modp2048", "aes128-sha1")
    for side in lab.sides:
        lab.net.mtu(side, 1280)
    lab.lose("exthdr frag exists")


def before(lab):
    lab.up()


def story(lab):
    lab.ask(5)
    lab.ask(15, size=1300)
    lab.ask(5)
