"""Everything between the gateways stops for a while, and comes back.

The path loses every packet for 25 seconds under steady traffic. Nobody tests liveness, so the tunnel
outlives it, and traffic goes on with later sequence numbers.
"""

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sealed_acceptable=("packet-loss", "esp-one-way"),
    sees="ESP of both directions, then only what the office sends, then both again on the same SPIs with "
    "numbers missing.",
)


def story(lab):
    lab.up()
    lab.ask(20)
    lab.lose(f"ip saddr {lab.office.address}")
    lab.lose(f"ip daddr {lab.office.address}")
    lab.ask(25, every=1)
    lab.heal()
    lab.ask(20)
    lab.down()
