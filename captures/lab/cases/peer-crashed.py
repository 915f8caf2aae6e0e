"""The cloud's daemon dies and comes back knowing nothing.

The cloud's daemon is killed under a working tunnel and starts again three seconds later. ESP of the old
SA arrives at a host that does not know it; the office notices by liveness checks and starts anew.
"""

from kit import Expect

expect = Expect(
    sealed="peer-restarted",
    sealed_acceptable=("unknown-spi", "dpd-timeout"),
    sees="ESP and liveness checks that stop being answered, then a new IKE_SA_INIT and new SPIs with "
    "sequence numbers from 1.",
    sees_keyed="INITIAL_CONTACT in the new IKE_AUTH.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.children(dpd_action="restart")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.cloud.kill()
    lab.ask(6, every=0.5)
    lab.cloud.start()
    lab.ask(6, every=0.5)
    lab.wait(16)
    lab.ask(6)
