"""Requests arrive, answers do not; seen from the responder.

As answers-lost, recorded at the cloud: the office sends the same request again although it was answered.
"""

from kit import Expect

expect = Expect(
    sealed="ike-one-way",
    both="ike-one-way",
    sees="the same IKE_SA_INIT request again and again although each copy was answered at once: the answers "
    "do not arrive.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.lose(f"ip saddr {lab.cloud.address}")


def story(lab):
    lab.up(timeout=16)
