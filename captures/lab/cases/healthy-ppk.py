"""Nothing is wrong: a post-quantum pre-shared key.

Besides the pre-shared key both sides hold a further secret that is mixed into the keys of the child
SA (RFC 8784).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="USE_PPK in IKE_SA_INIT, both ways, and a tunnel like any other.",
    sees_keyed="PPK_IDENTITY in IKE_AUTH. The keys of ESP are mixed with a secret that is no key of IKE's.",
)


def build(lab):
    lab.both(ppk_id="winter", ppk_required="yes")
    for side in lab.sides:
        side.secrets["ppk"] = {"id": "winter", "secret": '"thirty-two octets of entropy here"'}


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey()
    lab.ask(3)
    lab.down()
