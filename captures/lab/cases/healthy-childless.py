"""Nothing is wrong: an IKE SA without a child, at first.

IKE_AUTH makes no child SA (RFC 6023); CREATE_CHILD_SA makes it, with a key exchange of its own, and
after it has been closed another.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a short IKE_AUTH both ways, then CREATE_CHILD_SA at once, ESP, and the same again. "
    "CHILDLESS_IKEV2_SUPPORTED in the answer to IKE_SA_INIT tells that this is meant.",
    sees_keyed="no SA and no selectors in IKE_AUTH.",
)


def build(lab):
    lab.both(childless="force")
    lab.children(esp_proposals="aes256gcm16-ecp384")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.close()
    lab.wait(2)
    lab.up()
    lab.ask(4)
    lab.down()
