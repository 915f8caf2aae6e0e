"""Large packets pass, then none for a while, then they pass again.

The path moves to a link that takes less, and nobody says so. Uploads that went through before stand still, one after
the other, while pings pass; then the path moves back. Recorded at the office, which sends.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("mtu-black-hole",),
    keyed="mtu-black-hole",
    both="mtu-black-hole",
    sees="a pause in what the office sends, and pings that are answered.",
    sees_keyed="segments of 1400 octets that are acknowledged, then two connections whose segments of that size are sent "
    "again and again, with pings answered meanwhile, then segments of that size that are acknowledged.",
)


def build(lab):
    lab.suite("aes256-sha256-modp2048", "aes256-sha256")
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.fetch(60000)
    lab.lose("iifname office ip protocol esp ip length > 1250")
    lab.together(lambda: lab.ask(55), lambda: lab.fetch(30000, patience=12), lambda: fetch_later(lab))
    lab.heal()
    lab.fetch(30000)
    lab.ask(5)


def fetch_later(lab):
    lab.wait(4)
    lab.fetch(12000, patience=8)
