"""Nothing is wrong: a daemon is restarted properly.

The office's daemon ends with a farewell and starts anew, as in an upgrade. Its first IKE_AUTH says
INITIAL_CONTACT, and the tunnel is back after three seconds.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("tunnel-deleted",),
    sees="an answered delete by the office, a pause of three seconds without traffic, a negotiation by the "
    "office, ESP under new SPIs.",
    sees_keyed="INITIAL_CONTACT in both IKE_AUTH.",
)


def story(lab):
    lab.up()
    lab.ask(5)
    lab.office.stop()
    lab.wait(3)
    lab.office.start()
    lab.up()
    lab.ask(5)
    lab.down()
