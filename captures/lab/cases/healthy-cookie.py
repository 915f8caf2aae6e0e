"""Nothing is wrong: the cloud asks for a cookie.

An attempt that came to nothing, before the tap recorded, has left the cloud with a half-open IKE SA, and
the cloud believes itself under attack: it answers the next IKE_SA_INIT by a cookie, which the office
sends back (RFC 7296 section 2.6).
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("cookie-exchange",),
    sees="IKE_SA_INIT answered by COOKIE alone, the same again with the cookie, and a negotiation "
    "that goes on.",
    sees_keyed="nothing more.",
)


def build(lab):
    lab.cloud.settings["cookie_threshold"] = 1


def before(lab):
    lab.lose("udp dport 4500")
    lab.up(timeout=1)
    lab.down()
    lab.heal()


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
