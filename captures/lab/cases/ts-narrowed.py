"""Fewer addresses than asked for.

The office asks for 172.20.48.0/20 behind the cloud. The cloud grants 172.20.48.0/24, as IKEv2 allows,
so the tunnel works for that part alone. Nobody uses the rest here.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("ts-narrowed",),
    keyed="ts-narrowed",
    sees="a tunnel that works. The selectors travel sealed, and one range that shrinks leaves the size the "
    "same.",
    sees_keyed="TSr of the request is a /20, that of the answer a /24.",
)


def build(lab):
    lab.office.child["remote_ts"] = "172.20.48.0/20"


def story(lab):
    lab.up()
    lab.ask(8, every=0.4)
    lab.wait(1)
    lab.down()
