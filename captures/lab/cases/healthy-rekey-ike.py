"""Nothing is wrong: the IKE SA is rekeyed, by one side and by the other.

The office rekeys the IKE SA, the cloud rekeys it again, the office rekeys the child SA under the
third IKE SA, and pings pass all the while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="CREATE_CHILD_SA exchanges after which IKE goes on under new SPIs of its own, and ESP under the "
    "old ones.",
    sees_keyed="SA payloads with an SPI of IKE, and deletes of the old IKE SA.",
)


def story(lab):
    lab.up()
    lab.ask(3)
    lab.rekey_ike()
    lab.wait(1)
    lab.ask(3)
    lab.rekey_ike(side=lab.cloud)
    lab.wait(1)
    lab.ask(3)
    lab.rekey()
    lab.wait(1)
    lab.ask(3)
    lab.down()
