"""ESP for an SA that the peer has no more.

The cloud's daemon dies and starts anew, and nothing tells the office, which tests no liveness: it sends
ESP to SPIs that nobody knows.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("unknown-spi", "peer-restarted", "esp-blocked"),
    sees="ESP both ways, then only from the office on the same SPI; ICMP protocol unreachable while no "
    "daemon runs.",
)


def story(lab):
    lab.up()
    lab.ask(8)
    lab.cloud.kill()
    lab.wait(0.5)
    lab.cloud.start()
    lab.ask(60)
