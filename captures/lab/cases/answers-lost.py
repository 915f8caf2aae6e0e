"""Requests arrive, answers do not.

The net drops what the cloud sends, so the cloud answers every copy of IKE_SA_INIT in vain.
"""

from kit import Expect

expect = Expect(
    sealed="ike-no-response",
    sealed_acceptable=("ike-one-way",),
    both="ike-one-way",
    sees="at the office requests without any answer, at the cloud the same requests, each answered at once.",
)


def build(lab):
    lab.lose(f"ip saddr {lab.cloud.address}")


def story(lab):
    lab.up(timeout=16)
