"""Nothing is wrong: the first message is lost.

The net swallows the first IKE_SA_INIT and later one answer to a rekey. Both requests are repeated, and
all goes well.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("ike-retransmits",),
    sees="IKE_SA_INIT sent twice, 1.5 s apart, and CREATE_CHILD_SA sent twice; each answered in the end, "
    "no ESP lost.",
    sees_keyed="nothing that changes the verdict.",
)


def build(lab):
    lab.lose(f"ip saddr {lab.office.address} udp dport 500 quota until 400 bytes")


def story(lab):
    lab.up()
    lab.heal()
    lab.ask(5)
    lab.lose(f"ip saddr {lab.cloud.address} udp sport {{ 500, 4500 }} quota until 300 bytes")
    lab.rekey()
    lab.wait(3)
    lab.heal()
    lab.ask(5)
    lab.down()
