"""Nothing is wrong with the VPN: a service that takes its time.

A service behind the cloud answers two seconds after it was asked. TCP acknowledges at once.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="short packets both ways at once after each larger one, larger ones back two seconds later, no gap.",
    sees_keyed="TCP segments that are acknowledged at once and answered late.",
)


def story(lab):
    lab.cloud.serve(8080, None, "--pause", 2)
    lab.up()
    lab.ask(3)
    for _ in range(3):
        lab.fetch(400)
    lab.ask(3)
    lab.down()
