"""Answers in ESP arrive at the office, whose own filter drops them.

A TCP connection through the tunnel works. Then the office's host drops ESP that comes in: what the cloud sends
passes the tap and gets no further. Two more connections are tried; liveness checks pass.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("esp-dropped-locally", "inner-port-unanswered"),
    keyed="esp-dropped-locally",
    sees="small packets both ways, ever again.",
    sees_keyed="SYNs that are sent again though the SYN-ACK to them had passed, after a connection that stood.",
)


def build(lab):
    lab.cloud.serve(8080)
    lab.both(dpd_delay="4s")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.fetch(3000, patience=4)
    lab.office.nft("add rule inet host in ip protocol esp drop")
    lab.fetch(3000, patience=10)
    lab.fetch(3000, patience=10)
