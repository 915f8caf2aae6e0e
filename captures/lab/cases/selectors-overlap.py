"""Two child SAs for the same addresses.

One child SA carries 172.20.16.0/22 with 172.20.48.0/22, another 172.20.16.0/24 with 172.20.48.0/24: which
of them takes a packet is a matter of each gateway's own order.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="overlapping-selectors",
    sees="two pairs of SPIs side by side.",
    sees_keyed="selectors of one child SA within those of the other, both alive.",
)


def build(lab):
    for side, own, other in ((lab.office, 16, 48), (lab.cloud, 48, 16)):
        side.children["wide"] = {
            **side.child,
            "local_ts": f"172.20.{own}.0/22",
            "remote_ts": f"172.20.{other}.0/22",
        }


def story(lab):
    lab.up("wide")
    lab.ask(4)
    lab.up("lan")
    lab.ask(6)
    lab.wait(2)
    lab.down()
