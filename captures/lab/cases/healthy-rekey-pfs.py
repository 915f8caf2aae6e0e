"""Nothing is wrong: a key exchange of its own for each child SA.

ESP is to have a key exchange of its own (PFS). The first child SA, made in IKE_AUTH, has none by
design; the two rekeys do.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="CREATE_CHILD_SA exchanges large enough for a key exchange, both answered in kind.",
    sees_keyed="KE payloads of group 20 in both.",
)


def build(lab):
    lab.children(esp_proposals="aes256gcm16-ecp384")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.rekey()
    lab.ask(4)
    lab.rekey(side=lab.cloud)
    lab.ask(4)
    lab.down()
