"""Ping works, a service does not.

The cloud's host answers pings and TCP 8080, and drops what goes to TCP 5432.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("inner-port-unanswered",),
    keyed="inner-port-unanswered",
    sees="SYN-sized ESP packets after one, two and four seconds without an answer, beside traffic that is "
    "answered.",
    sees_keyed="SYN to 172.20.48.1 port 5432 again and again without SYN-ACK.",
)


def build(lab):
    lab.cloud.serve(8080)
    lab.cloud.nft("add rule inet host in tcp dport 5432 drop")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.fetch(3000)
    lab.fetch(100, port=5432, patience=9)
    lab.ask(4)
    lab.down()
