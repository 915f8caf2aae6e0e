"""The peer deletes the tunnel and then refuses it.

The cloud's administrator takes the connection away: the cloud deletes the IKE SA under traffic, and
refuses every new attempt.
"""

from kit import Expect

expect = Expect(
    sealed="tunnel-deleted",
    sealed_acceptable=("peer-address-unknown", "ike-proposal-mismatch", "ike-refused"),
    sees="an exchange of the cloud with room for one Delete, silence of ESP, then IKE_SA_INIT refused in "
    "clear.",
    sees_keyed="the Delete payload.",
)


def build(lab):
    lab.children(close_action="start")


def story(lab):
    lab.up()
    lab.ask(10)
    saved = dict(lab.cloud.connections)
    lab.cloud.connections.clear()
    lab.cloud.reload()
    lab.down(side=lab.cloud)
    lab.ask(6, every=0.5)
    lab.up(timeout=6)
    lab.wait(2)
    lab.cloud.connections.update(saved)
