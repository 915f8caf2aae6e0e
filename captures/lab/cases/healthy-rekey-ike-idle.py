"""Nothing is wrong: the IKE SA is rekeyed, and then nobody talks for a while.

The office rekeys the IKE SA right after some pings, the cloud does so later. Each time the tunnel is
idle for twelve seconds afterwards, and then works as before. The first pause ends with a rekey of the
child SA.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="CREATE_CHILD_SA and a delete of the old IKE SA, after which ESP pauses; then it goes on "
    "under the same SPIs.",
    sees_keyed="the delete is of the IKE SA that was just replaced.",
)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey_ike()
    lab.wait(12)
    lab.rekey(side=lab.cloud)
    lab.wait(1)
    lab.ask(5)
    lab.rekey_ike(side=lab.cloud)
    lab.wait(12)
    lab.ask(5)
    lab.down()
