"""A filter begins to drop one service behind the cloud.

Connections to TCP port 8080 open and are answered, one every half second. From one moment on a filter behind the cloud
drops what goes to that port. Pings of the same hosts pass all the while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="inner-port-unanswered",
    sees="ESP both ways that goes on, with a few packets now and then that have nothing in return.",
    sees_keyed="connections to port 8080 that open, and from one moment on SYN after SYN without an answer, beside pings "
    "that are answered.",
)


def build(lab):
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.together(lambda: lab.ask(80), lambda: connect(lab))
    lab.down()


def connect(lab):
    for _ in range(8):
        lab.fetch(100, patience=2)
        lab.wait(0.5)
    lab.cloud.nft("add rule inet host in tcp dport 8080 drop")
    for _ in range(6):
        lab.fetch(100, patience=2)
        lab.wait(0.5)
