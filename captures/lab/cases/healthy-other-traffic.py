"""Nothing is wrong: other traffic on the same link.

Besides the tunnel the gateways talk to each other in clear, as they do when someone monitors or
manages them: pings and TCP between the outside addresses, which no selector covers.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ICMP and TCP between the outside addresses in clear, as they are meant, and a tunnel "
    "between the same addresses that works.",
    sees_keyed="selectors that do not cover the outside addresses.",
)


def story(lab):
    office, cloud = lab.sides
    cloud.serve(8443, cloud.address)
    lab.up()
    lab.ask(3)
    lab.ask(5, source=office.address, target=cloud.address)
    office.traffic("fetch", office.address, cloud.address, 8443, 2000)
    lab.ask(5, size=300)
    lab.ask(3, source=cloud.address, target=office.address, side=cloud)
    lab.ask(3)
    lab.down()
