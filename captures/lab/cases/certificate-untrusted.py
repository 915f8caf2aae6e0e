"""The office's certificate is of an authority that the cloud does not know.

Each side has a root of its own. The office trusts that of the cloud; the cloud does not know the office's.
"""

from pathlib import Path

from kit import Expect
from kit.charon import make_root

expect = Expect(
    sealed="auth-failed",
    keyed="cert-untrusted",
    keyed_acceptable=("auth-failed",),
    sees="IKE_AUTH answered by a message that has room for one notify: refused, the reason sealed.",
    sees_keyed="AUTHENTICATION_FAILED, and a certificate whose issuer the cloud's request does not name.",
)


def build(lab):
    ours = make_root(Path(lab.work) / "ours", "ecdsa-256", "O=Example, CN=Office Root")
    theirs = make_root(Path(lab.work) / "theirs", "ecdsa-256", "O=Example, CN=Cloud Root")
    lab.office.certify("ecdsa-256", ours)
    lab.cloud.certify("ecdsa-256", theirs)
    for side in lab.sides:
        side.remote["auth"] = "pubkey"
    # The office would trust the cloud.
    (lab.office.work / "x509ca" / "theirs.pem").write_bytes((theirs / "root.pem").read_bytes())


def story(lab):
    lab.up(timeout=8)
    lab.wait(1)
    lab.up(timeout=8)
