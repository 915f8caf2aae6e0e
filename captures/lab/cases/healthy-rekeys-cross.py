"""Nothing is wrong: one side rekeys the IKE SA while the other rekeys a child SA.

The two requests cross. Who is asked to rekey the IKE SA while its own request is under way must refuse for the
moment (RFC 7296 section 2.25.2), and does. So it goes twice, each time the other way round. At the end the office
deletes the tunnel.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two requests that cross, of which one is answered by a message with room for one notification; ESP goes on "
    "under the new SPIs.",
    sees_keyed="TEMPORARY_FAILURE in answer to a request for a new IKE SA, while a child SA was being renewed.",
)


def build(lab):
    lab.suite("chacha20poly1305-prfsha256-x25519", "chacha20poly1305")
    # Nothing crosses on a path that takes no time.
    lab.net.wire(delay=0.1)


def before(lab):
    lab.up()


def story(lab):
    lab.together(lambda: lab.rekey_ike(side=lab.cloud), lambda: lab.rekey(), lambda: lab.ask(10))
    lab.together(lambda: lab.rekey_ike(), lambda: lab.rekey(side=lab.cloud), lambda: lab.ask(10))
    lab.ask(4)
    lab.down()
