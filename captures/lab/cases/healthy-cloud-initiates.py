"""Nothing is wrong: the cloud initiates, seen at the responder.

The cloud negotiates, asks and rekeys; the office, where the tap is, only answers.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="the same as in any tunnel, with requests that arrive and answers that leave.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.cloud.connection["dpd_delay"] = "4s"


def story(lab):
    lab.up(side=lab.cloud)
    lab.ask(5, side=lab.cloud)
    lab.wait(6)
    lab.rekey(side=lab.cloud)
    lab.ask(5, side=lab.cloud, size=300)
    lab.down(side=lab.cloud)
