"""Nothing is wrong: a new SA is used before the office knows it.

The office asks for a second child SA, and the net loses the answer once. A host behind the cloud pings over the new SA
meanwhile: those packets come before the answer that makes it, and the office drops them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed_also=("esp-before-response",),
    sees="CREATE_CHILD_SA sent twice and answered once, ESP of the cloud on an SPI of its own before that, and ESP both "
    "ways after it.",
    sees_keyed="the answer names the SPI on which packets came before it.",
)


def build(lab):
    lab.another("second", "172.20.17.0/24", "172.20.49.0/24")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.lose(f"ip saddr {lab.cloud.address} udp sport {{ 500, 4500 }} quota until 300 bytes")

    def cloud():
        lab.wait(0.5)
        lab.ask(10, source="172.20.49.1", target="172.20.17.1", side=lab.cloud)

    lab.together(lambda: lab.up("second"), cloud)
    lab.ask(6)
    lab.down()
