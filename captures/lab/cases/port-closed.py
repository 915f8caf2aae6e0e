"""Ping works, a service is not running.

Nothing listens on TCP 5432 behind the cloud: each SYN is answered by RST.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="inner-port-unanswered",
    sees="nothing: small packets that are answered.",
    sees_keyed="SYN to port 5432 answered by RST.",
)


def build(lab):
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.fetch(3000)
    for _ in range(3):
        lab.fetch(100, port=5432)
        lab.wait(1)
    lab.down()
