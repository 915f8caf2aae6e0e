"""Nothing is wrong: ports of its own.

Both daemons listen on port 14500 instead of 500 and 4500. IKE comes behind the non-ESP marker from
its first message on, and ESP goes in UDP on the same port (RFC 3948). The child SA is rekeyed in
between.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="UDP on one unknown port; nothing but its content tells that it is IKE and ESP. A negotiation, "
    "ESP both ways, a rekey, an answered delete.",
    sees_keyed="the same, and that both ends pretend to sit behind a NAT, to be let encapsulate.",
)


def build(lab):
    lab.both(local_port=14500, remote_port=14500, encap="yes")
    for side in lab.sides:
        side.settings.update(port=0, port_nat_t=14500)


def story(lab):
    lab.up()
    lab.ask(6)
    lab.rekey()
    lab.ask(6)
    lab.down()
