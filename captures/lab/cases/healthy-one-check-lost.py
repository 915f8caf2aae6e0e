"""Nothing is wrong: one liveness check is lost.

The net swallows a single IKE message, a liveness check of the office in an idle tunnel. It is
repeated after one and a half seconds and answered.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("ike-retransmits",),
    sees="one INFORMATIONAL request that is sent twice and answered once; all others are answered at once, "
    "and ESP has no gap.",
    sees_keyed="it is empty.",
)


def build(lab):
    lab.office.connection["dpd_delay"] = "5s"


def story(lab):
    lab.up()
    lab.ask(5)
    lab.lose(f"ip saddr {lab.office.address} udp dport {{ 500, 4500 }} quota until 100 bytes")
    lab.wait(13)
    lab.heal()
    lab.ask(5)
    lab.down()
