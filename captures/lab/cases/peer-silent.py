"""Nothing comes back.

The net drops all that is sent to the cloud, and nobody says so. The office sends IKE_SA_INIT and
repeats it four times, each wait 1.6 times as long as the last, then gives up.
"""

from kit import Expect

expect = Expect(
    sealed="ike-no-response",
    sees="the same IKE_SA_INIT five times, and nothing from the peer, not even ICMP. At the other end: "
    "nothing at all, so the requests are lost on the way.",
)


def build(lab):
    lab.lose(f"ip daddr {lab.cloud.address}")


def story(lab):
    lab.up(timeout=30)
