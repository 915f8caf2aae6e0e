"""A client of IKEv1 that is given no address.

vpnc authenticates in aggressive mode, its user by XAUTH, and asks for an address; the cloud has no pool and answers
without one. The client says ATTRIBUTES-NOT-SUPPORTED and deletes the IKE SA.
"""

from kit import Expect, vpnc

needs = "vpnc"
expect = Expect(
    sealed="undecided",
    sealed_acceptable=("healthy", "tunnel-deleted", "child-setup-failed"),
    keyed="address-assignment-failed",
    also=("weak-crypto",),
    sees="aggressive mode, three transaction exchanges, two informational messages of the client, and no quick mode.",
    sees_keyed="the status of XAUTH is OK; a request for an address, a reply without one, ATTRIBUTES-NOT-SUPPORTED.",
)


def build(lab):
    vpnc.serve(lab, pool=None)


def story(lab):
    client = vpnc.dial(lab)
    lab.wait(8)
    client.terminate()
    lab.wait(1)
