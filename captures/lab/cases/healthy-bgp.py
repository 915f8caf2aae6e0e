"""Nothing is wrong: BGP over the tunnel.

As at a cloud's VPN gateway: both sides talk BGP from link-local addresses of one /30 inside the
tunnel, with a hold time of nine seconds. The session comes up and stays, over a rekey of the child SA.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="small ESP packets both ways every three seconds, over two pairs of SPIs.",
    sees_keyed="OPEN and KEEPALIVE of both, between 169.254.10.1 and 169.254.10.2, no NOTIFICATION.",
)


def build(lab):
    lab.office.child.update(
        local_ts=["169.254.10.2/32", lab.office.subnet], remote_ts=["169.254.10.1/32", lab.cloud.subnet]
    )
    lab.cloud.child.update(
        local_ts=["169.254.10.1/32", lab.cloud.subnet], remote_ts=["169.254.10.2/32", lab.office.subnet]
    )
    lab.office.alias("169.254.10.2")
    lab.cloud.alias("169.254.10.1")


def story(lab):
    lab.cloud.traffic("bgp-listen", "169.254.10.1", 64512, 9)
    lab.up()
    lab.office.traffic("bgp-speak", "169.254.10.2", "169.254.10.1", 65010, 9)
    lab.wait(10)
    lab.ask(4)
    lab.rekey()
    lab.wait(10)
    lab.ask(4)
    lab.wait(5)
