"""A second child SA is refused, and what it was for leaves in clear.

The office asks for one more child SA under a working tunnel; the cloud has no such addresses and refuses it once.
Pings of that pair of networks leave in clear and are not answered, those of the first pair go on.
"""

from kit import Expect

expect = Expect(
    sealed="clear-text-leak",
    sealed_acceptable=("child-setup-failed",),
    keyed="ts-unacceptable",
    sees="a CREATE_CHILD_SA that is answered by the size of one notification, and then pings in clear from "
    "172.20.17.1 to 172.20.49.1, beside ESP both ways.",
    sees_keyed="TS_UNACCEPTABLE, and the selectors that were asked for.",
)


def build(lab):
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")
    del lab.cloud.children["two"]


def story(lab):
    lab.up()
    lab.ask(10)
    lab.up("two", timeout=6)
    lab.ask(6, source="172.20.17.1", target="172.20.49.1")
    lab.ask(10)
