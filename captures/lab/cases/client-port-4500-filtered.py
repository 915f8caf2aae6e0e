"""A client of IKEv1 whose port 4500 is filtered.

vpnc begins aggressive mode on port 500 and sends message 3 to port 4500, from a new port of its own. The net drops
what goes to port 4500. The cloud says message 2 again, to a port that the client has closed.
"""

from kit import Expect, vpnc

needs = "vpnc"
expect = Expect(
    sealed="port-4500-blocked",
    also=("weak-crypto",),
    sees="aggressive mode: messages 1 and 2 on port 500, message 3 to port 4500 again and again, message 2 again, and "
    "ICMP port unreachable about that.",
)


def build(lab):
    vpnc.serve(lab)
    lab.both(dpd_delay="0s")


def story(lab):
    lab.lose("udp dport 4500")
    client = vpnc.dial(lab)
    lab.wait(20)
    client.terminate()
    lab.wait(1)
