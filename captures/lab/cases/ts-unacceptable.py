"""None of the addresses asked for.

The office asks for 172.20.96.0/24; behind the cloud there is 172.20.48.0/24. The IKE SA is made, the
child SA is refused.
"""

from kit import Expect

expect = Expect(
    sealed="child-setup-failed",
    keyed="ts-unacceptable",
    sees="an answer to IKE_AUTH that has room for identity, AUTH and a notify, not for a child SA; "
    "no ESP; pings between private addresses in clear, unanswered.",
    sees_keyed="the answer holds TS_UNACCEPTABLE beside IDr and AUTH; the selectors of the request are in "
    "clear view.",
)


def build(lab):
    lab.office.child["remote_ts"] = "172.20.96.0/24"


def story(lab):
    lab.up()
    lab.ask(3)
    lab.wait(2)
