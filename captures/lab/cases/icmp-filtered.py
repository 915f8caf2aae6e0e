"""The target of a health check takes no ICMP.

The office asks a host of the cloud every two seconds by ICMP echo, and the host drops that. It answers TCP all the while.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("health-check-unanswered",),
    keyed="health-check-unanswered",
    keyed_acceptable=("inner-no-reply",),
    sees="steady packets of one size without an answer of theirs, beside others that are answered.",
    sees_keyed="echo requests without replies, and TCP with the same host that is answered.",
)


def build(lab):
    lab.cloud.nft("add rule inet host in icmp type echo-request drop")


def story(lab):
    def transfers():
        for _ in range(5):
            lab.wait(4)
            lab.fetch(2000)

    lab.cloud.serve(8080)
    lab.up()
    lab.together(lambda: lab.ask(12, every=2), transfers)
    lab.down()
