"""One side speaks IKEv2, the other IKEv1 alone.

The office starts by IKEv2; the cloud's connection is IKEv1 only.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="ike-version-mismatch",
    sealed_acceptable=("ike-proposal-mismatch", "peer-address-unknown", "ike-refused"),
    sees="IKE_SA_INIT refused at once; the other side's own attempts are main mode of IKEv1.",
)


def build(lab):
    lab.cloud.connection["version"] = 1


def story(lab):
    lab.up(timeout=6)
    lab.wait(1)
    lab.up(side=lab.cloud, timeout=6)
