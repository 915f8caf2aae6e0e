"""Nothing is wrong: UDP begins in the moment in which the tunnel is closed.

The office closes the tunnel. For a third of a second its LAN sends UDP to the cloud's, which then leaves in clear by the
default route, and ends.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a tunnel that works and is closed by the office; then a few packets between private addresses, for a third of a "
    "second. Who closes a tunnel knows that it is closed.",
    sees_keyed="the delete of the IKE SA; the addresses are those of the selectors.",
)


def story(lab):
    lab.up()
    lab.ask(6)
    lab.wait(0.4)
    lab.down()
    lab.office.traffic("datagrams", lab.office.lan, lab.cloud.lan, 4000, 12, 160, 0.03)
    lab.wait(2)
