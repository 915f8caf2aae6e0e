"""Nothing is wrong: reauthentication, break before make, beside a health check.

A host asks another each second while the office deletes the tunnel and negotiates it anew, three times; once the
answer to its first message is lost, and it asks again. What no SA takes it drops.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="answered deletes, each followed by IKE_SA_INIT of the same side, once by two; a packet or two that are "
    "missing in a rhythm of one second.",
    sees_keyed="an echo request each second, nearly all with replies.",
)


def build(lab):
    lab.daemons(make_before_break="no")
    lab.both(dpd_delay="3s")


def story(lab):
    def again():
        for _ in range(2):
            lab.wait(5)
            lab.reauthenticate()
        lab.wait(4)
        lab.lose("iifname cloud udp sport 500 quota until 500 bytes")
        lab.reauthenticate()

    lab.office.nft(f"add rule inet host out oifname wan ip daddr {lab.cloud.subnet} drop")
    lab.up()
    lab.together(again, lambda: lab.ask(22, every=1))
    lab.down()
