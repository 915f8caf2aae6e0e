"""IP fragments do not pass, and large packets vanish.

The office's outside link has a small MTU, so that large ESP packets leave in IP fragments; a filter on the
way drops fragments and says nothing.
"""

from kit import Expect

expect = Expect(
    sealed="mtu-black-hole",
    sealed_acceptable=("esp-fragments-lost",),
    sees="small packets answered; packets in fragments, again and again, never answered.",
)


def build(lab):
    lab.net.mtu(lab.office, 1280)
    lab.cloud.serve(8080)
    lab.lose("ip frag-off & 0x3fff != 0")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.ask(8, size=1300)
    lab.ask(4)
    lab.fetch(6000, patience=7)
    lab.ask(4)
    lab.down()
