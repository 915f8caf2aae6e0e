"""A NAT forgets an office that is silent.

The office sits behind a masquerade that forgets a silent flow after ten seconds, and sends no keepalives. After
25 idle seconds a host behind the cloud pings the office, and the NAT refuses the cloud's ESP: it knows nobody at
that port any more.
"""

from kit import Expect

expect = Expect(
    sealed="esp-blocked",
    sealed_acceptable=("esp-one-way",),
    also=("nat-detected",),
    sees="ESP in UDP both ways, a pause, then ESP of the cloud alone, and ICMP port unreachable of the address that "
    "the office's ESP came from.",
    sees_keyed="echo requests of the cloud's side without replies.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(mobike="no")
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.daemons(keep_alive="0s")
    lab.net.masquerade(lab.office.address, forgets=10)


def story(lab):
    lab.up()
    lab.ask(12)
    lab.wait(25)
    lab.ask(40, side=lab.cloud)
    lab.wait(1)
