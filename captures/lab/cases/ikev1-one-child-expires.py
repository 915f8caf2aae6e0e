"""IKEv1: of two child SAs one is not renewed, and runs out.

Two child SAs carry pings. The cloud wants a key exchange for the second by now, which the office does not offer:
its rekeying is refused, once, and seven seconds later its lifetime ends. The first goes on.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="rekey-failed",
    sealed_acceptable=("child-setup-failed", "sa-expired"),
    keyed="child-proposal-mismatch",
    keyed_acceptable=("pfs-mismatch", "rekey-failed"),
    sees="quick mode that is answered by an informational message; some seconds later a message of the office, and "
    "the end of ESP of one pair of SPIs, in whose place nothing comes, while the other pair goes on.",
    sees_keyed="NO-PROPOSAL-CHOSEN.",
)


def build(lab):
    lab.ikev1("aes256-sha1-modp1024", "aes256-sha1")
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")
    lab.office.children["two"].update(rekey_time="5s", life_time="12s", rand_time="0s")


def before(lab):
    lab.up()
    lab.up("two")


def story(lab):
    ask(lab, 6)
    lab.cloud.children["two"]["esp_proposals"] = "aes256-sha1-modp2048"
    lab.cloud.reload()
    ask(lab, 60)


def ask(lab, count):
    lab.together(
        lambda: lab.ask(count),
        lambda: lab.ask(count, source="172.20.17.1", target="172.20.49.1"),
    )
