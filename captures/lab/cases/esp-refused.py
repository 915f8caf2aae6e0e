"""IP protocol 50 is refused on the way.

A filter lets IKE pass and refuses ESP by ICMP administratively prohibited.
"""

from kit import Expect

expect = Expect(
    sealed="esp-blocked",
    sees="IKE that ends well, ESP from the office, each packet answered by ICMP administratively "
    "prohibited.",
)


def build(lab):
    lab.net.refuse("ip protocol esp", "icmp type admin-prohibited")


def story(lab):
    lab.up()
    lab.ask(14)
    lab.down()
