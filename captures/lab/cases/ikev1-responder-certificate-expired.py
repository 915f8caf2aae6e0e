"""IKEv1: the cloud's certificate has run out.

Main mode with ECDSA certificates. The office has message 6, does not believe it, and deletes the ISAKMP SA at once;
it says no error.
"""

from pathlib import Path

from kit import Expect
from kit.charon import make_root

needs = "ikev1"
expect = Expect(
    sealed="auth-failed",
    keyed="cert-expired",
    keyed_acceptable=("auth-failed",),
    sees="main mode of six messages, and at once an informational message of the office, the last.",
    sees_keyed="the certificate of message 6 with its dates, and a delete of the ISAKMP SA.",
)


def build(lab):
    lab.ikev1()
    root = make_root(Path(lab.work) / "root", "ecdsa-256")
    lab.office.certify("ecdsa-256", root)
    dates = ("--not-before", "01.01.24 00:00:00", "--not-after", "01.06.25 00:00:00")
    lab.cloud.certify("ecdsa-256", root, dates)
    for side in lab.sides:
        side.remote["auth"] = "pubkey"


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
