"""Nothing is wrong: IKEv1, and a daemon that is restarted properly.

The cloud's daemon ends with deletes and starts anew. The office starts the tunnel again after three
seconds; nobody talked in between.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="healthy",
    sealed_acceptable=("tunnel-deleted",),
    sees="informational messages by the cloud, a pause of three seconds without traffic, main mode "
    "and quick mode by the office, ESP under new SPIs.",
    sees_keyed="deletes of both SAs, and INITIAL-CONTACT in the second main mode.",
)


def build(lab):
    lab.ikev1()


def story(lab):
    lab.up()
    lab.ask(5)
    lab.cloud.stop()
    lab.wait(3)
    lab.cloud.start()
    lab.up()
    lab.ask(5)
    lab.down()
