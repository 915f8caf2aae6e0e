"""UDP 500 passes, UDP 4500 does not.

A filter lets UDP 500 through and drops UDP 4500. NAT detection finds a NAT (encapsulation is forced), so
the office floats to port 4500 for IKE_AUTH and hears nothing more.
"""

from kit import Expect

expect = Expect(
    sealed="port-4500-blocked",
    sees="IKE_SA_INIT answered on port 500, then IKE_AUTH on port 4500 again and again without an answer, of "
    "a size that needs no fragments.",
)


def build(lab):
    lab.both(encap="yes")
    lab.lose("udp dport 4500")


def story(lab):
    lab.up(timeout=16)
