"""IKEv1: the cloud's daemon dies and comes back.

It loses its SAs without a word. The office goes on sending to them, until the cloud itself begins anew six seconds
later, by INITIAL-CONTACT: it has no other SA with the office (RFC 2407 section 4.6.3.3).
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("peer-restarted",),
    keyed="peer-restarted",
    sees="ESP both ways, then of the office alone; main mode of the cloud, and ESP both ways under new SPIs. A renewed "
    "ISAKMP SA looks the same.",
    sees_keyed="INITIAL-CONTACT in message 5 of the cloud's main mode.",
)


def build(lab):
    lab.ikev1()


def story(lab):
    lab.up()
    lab.ask(10)
    lab.cloud.kill()
    lab.cloud.start()
    lab.ask(15)
    lab.up(side=lab.cloud)
    lab.ask(15)
    lab.down()
