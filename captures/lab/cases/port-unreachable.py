"""No daemon at the peer.

The cloud's host is up but no IKE daemon runs. Its system answers each IKE_SA_INIT by ICMP "port
unreachable", which the office does not heed: it repeats the request to the end.
"""

from kit import Expect

expect = Expect(
    sealed="ike-port-unreachable",
    sees="IKE_SA_INIT five times, and after each an ICMP error from the peer itself that quotes it.",
)


def build(lab):
    lab.absent = (lab.cloud,)


def story(lab):
    lab.up(timeout=30)
