"""Nothing is wrong: one child SA with many selectors.

Eight subnets here, eight there, all in one child SA, asked for and granted. Pings pass between three
pairs of them.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="one pair of SPIs, a rekey that is larger than usual, and its answer as large.",
    sees_keyed="eight selectors in TSi and eight in TSr, in requests and in answers alike.",
)

HERE = [f"172.20.{third}.0/24" for third in range(16, 24)]
THERE = [f"172.20.{third}.0/24" for third in range(48, 56)]


def build(lab):
    lab.office.child.update(local_ts=HERE, remote_ts=THERE)
    lab.cloud.child.update(local_ts=THERE, remote_ts=HERE)
    for third in (17, 20):
        lab.office.alias(f"172.20.{third}.1")
        lab.cloud.alias(f"172.20.{third + 32}.1")


def story(lab):
    lab.up()
    lab.ask(3)
    lab.ask(3, source="172.20.17.1", target="172.20.49.1")
    lab.rekey()
    lab.ask(3, source="172.20.20.1", target="172.20.52.1")
    lab.ask(3, source="172.20.17.1", target="172.20.52.1")
    lab.down()
