"""Liveness checks go unanswered although ESP flows.

A firewall forgets the IKE session and drops UDP 500 and 4500, but lets ESP pass. The office gives the
tunnel up while its traffic is answered.
"""

from kit import Expect

expect = Expect(
    sealed="dpd-despite-traffic",
    sealed_acceptable=("dpd-timeout",),
    sees="ESP in both directions all the while, liveness checks sent again and again without an answer, "
    "then new negotiations.",
)


def build(lab):
    # Traffic would do for a sign of life: only the IKE SA is tested.
    lab.office.connection["dpd_delay"] = "3s"
    lab.office.settings["plugins"]["kernel-libipsec"]["raw_esp"] = "yes"


def story(lab):
    lab.up()
    lab.ask(6)
    lab.lose("udp dport { 500, 4500 }")
    # One way only, so that the office hears nothing and tests.
    beat = lab.office.traffic("datagrams", lab.office.lan, lab.cloud.lan, 9999, 90, 100, 0.3)
    lab.wait(20)
    beat.wait()
