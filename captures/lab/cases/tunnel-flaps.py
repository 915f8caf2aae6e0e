"""The tunnel comes up and is lost, again and again.

The path dies for some seconds, again and again; each time liveness checks give up and the office starts
anew.
"""

from kit import Expect

expect = Expect(
    sealed="tunnel-flapping",
    sealed_acceptable=("dpd-timeout", "path-outage"),
    both_acceptable=("dpd-timeout", "path-outage", "ike-no-response"),
    sees="four negotiations within a minute and a half, each after unanswered liveness checks.",
)


def build(lab):
    for side in lab.sides:
        side.settings.update(retransmit_timeout=0.8, retransmit_base=1.3, retransmit_tries=3)
    lab.both(dpd_delay="2s", unique="replace")
    lab.children(dpd_action="restart")


def story(lab):
    lab.up()
    for _ in range(4):
        lab.ask(8)
        lab.lose(f"ip saddr {lab.office.address}")
        lab.lose(f"ip daddr {lab.office.address}")
        lab.ask(8, every=1)
        lab.heal()
        lab.wait(6)
    lab.ask(8)
