"""Nothing is wrong: the tunnel starts by itself and comes back by itself.

The office is configured to start the tunnel when it loads it, and to make a child SA anew when the
cloud closes it. The cloud does so once.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a negotiation; ESP; a delete by the cloud and within a moment a new child SA by the office; ESP "
    "goes on.",
    sees_keyed="the delete is of the child SA alone.",
)


def build(lab):
    lab.office.child["close_action"] = "start"


def story(lab):
    lab.office.child["start_action"] = "start"
    lab.office.reload()
    lab.wait(2)
    lab.ask(5)
    lab.close(side=lab.cloud)
    lab.wait(2)
    lab.ask(5)
    lab.down()
