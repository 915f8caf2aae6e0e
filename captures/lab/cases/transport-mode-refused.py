"""The office is set to transport mode, and has networks as selectors.

Transport mode carries packets of the two gateways alone. No address of them is in the networks that are configured,
so the office asks for no selectors at all, and the cloud refuses that.
"""

from kit import Expect

expect = Expect(
    sealed="child-setup-failed",
    sealed_acceptable=("clear-text-leak",),
    keyed="ts-unacceptable",
    sees="IKE_AUTH answered by a proof and no child SA; CREATE_CHILD_SA answered by one notify. Pings leave in clear.",
    sees_keyed="USE_TRANSPORT_MODE, selectors that hold none, and TS_UNACCEPTABLE.",
)


def build(lab):
    lab.office.child["mode"] = "transport"


def story(lab):
    lab.up(timeout=8)
    lab.ask(4)
    lab.up(timeout=8)
    lab.ask(4)
