"""The cloud's certificate has run out.

Certificates on both sides; that of the cloud was valid until last year.
"""

from pathlib import Path

from kit import Expect
from kit.charon import make_root

expect = Expect(
    sealed="auth-failed",
    sealed_acceptable=("tunnel-deleted", "child-setup-failed", "healthy"),
    keyed="cert-expired",
    sees="IKE_AUTH ends at once: the office deletes the IKE SA, or says AUTHENTICATION_FAILED, sealed.",
    sees_keyed="the certificate with its dates, and AUTHENTICATION_FAILED.",
)


def build(lab):
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
