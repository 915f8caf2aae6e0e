"""The gateway asks a RADIUS server for the user, and the server says nothing.

The cloud hands EAP on to a RADIUS server, as its `eap-radius` does. Something listens there and never answers.
The cloud asks it again and again, and tells the office after some nine seconds that EAP failed; meanwhile the
office sends its request again.
"""

from kit import Expect

expect = Expect(
    sealed="auth-failed",
    keyed="eap-failed",
    keyed_acceptable=("auth-failed",),
    sees="IKE_AUTH in rounds, as EAP has them; the second request is sent again and again, and is answered late by "
    "a message as small as EAP Failure, or Success. A Success would be followed by another IKE_AUTH; an "
    "informational message of the office follows instead, and nothing more.",
    sees_keyed="EAP Failure in answer to the identity, before any method began.",
)


def build(lab):
    lab.eap()
    lab.cloud.plug("eap-radius")
    lab.cloud.remote["auth"] = "eap-radius"
    lab.cloud.settings["plugins"]["eap-radius"] = {
        "server": lab.cloud.lan,
        "secret": "hush",
        "retransmit_tries": 3,
        "retransmit_timeout": "2.0",
    }
    lab.cloud.traffic("count", lab.cloud.lan, 1812)


def story(lab):
    lab.up(timeout=30)
    lab.wait(1)
