"""BGP inside the tunnel does not come up: nobody listens at the address that is called.

The office calls 169.254.20.3; the cloud's speaker is 169.254.20.2 and the other address drops all.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sealed_acceptable=("bgp-down", "inner-port-unanswered"),
    keyed="bgp-down",
    keyed_acceptable=("inner-port-unanswered", "inner-no-reply"),
    sees="SYN-sized packets without an answer.",
    sees_keyed="SYN to 169.254.20.3 port 179 without an answer.",
)


def build(lab):
    for side, address in ((lab.office, "169.254.20.1"), (lab.cloud, "169.254.20.2")):
        side.alias(address)
    lab.office.child.update(local_ts=f"{lab.office.subnet},169.254.20.0/30", remote_ts=f"{lab.cloud.subnet},169.254.20.0/30")
    lab.cloud.child.update(local_ts=f"{lab.cloud.subnet},169.254.20.0/30", remote_ts=f"{lab.office.subnet},169.254.20.0/30")
    lab.cloud.nft("add rule inet host in ip daddr 169.254.20.3 drop")


def story(lab):
    lab.up()
    lab.ask(4)
    lab.office.traffic("bgp-speak", "169.254.20.1", "169.254.20.3", 65020, 30)
    lab.wait(18)
