"""Somebody tries what the gateway answers.

ike-scan asks the cloud with one transform after another, in main mode and in IKEv2; no tunnel is meant.
"""

from kit import Expect

needs = "ike-scan"
expect = Expect(
    sealed="healthy",
    sealed_acceptable=("ike-scan",),
    also=("ike-scan",),
    sees="many initiator SPIs within seconds, one message each, with different transforms.",
)


def story(lab):
    for transform in ("5,2,1,2", "7/256,2,1,14", "1,1,1,1", "7/128,2,1,2", "5,1,1,2", "7/256,4,1,14", "7/192,5,1,19"):
        lab.office(["ike-scan", "--sport=0", "--retry=1", "--timeout=300", f"--trans={transform}", lab.cloud.address], check=False)
    for _ in range(6):
        lab.office(["ike-scan", "--ikev2", "--sport=0", "--retry=1", "--timeout=300", lab.cloud.address], check=False)
