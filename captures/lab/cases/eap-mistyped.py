"""A user mistypes the password, and then does not.

EAP-MSCHAPv2 with a wrong password, which the cloud refuses; two seconds later the same user with the right one.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("auth-failed", "eap-failed"),
    keyed="eap-failed",
    sees="rounds of IKE_AUTH that the office ends by a small informational request, then a negotiation that ends well, "
    "and ESP both ways.",
    sees_keyed="a Failure of MSCHAPv2 for mary, then Success.",
)


def build(lab):
    lab.eap(password="little cat")


def story(lab):
    lab.up(timeout=8)
    lab.wait(2)
    lab.office.secrets["eap"]["secret"] = '"little lamb"'
    lab.office.reload()
    lab.up(timeout=8)
    lab.ask(5)
    lab.down()
