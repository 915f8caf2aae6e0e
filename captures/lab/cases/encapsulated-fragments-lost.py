"""ESP in UDP: only first fragments pass.

Both sides force UDP encapsulation. The office's outside link has a small MTU, so that large packets leave in IP
fragments; a filter on the way lets pass what has ports, which is the first fragment alone. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="esp-fragments-lost",
    sealed_acceptable=("mtu-black-hole",),
    sees="first pieces of UDP packets, and no other piece of any; small packets pass, and as many numbers are missing as "
    "pieces came. A capture filter that names ports leaves out the same pieces, but then there would be answers.",
    sees_keyed="small echo requests answered, large ones never whole.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.both(encap="yes")
    lab.net.mtu(lab.office, 1280)
    lab.lose("ip frag-off & 0x1fff != 0")


def story(lab):
    lab.up()
    lab.ask(6)
    lab.ask(12, size=1300)
    lab.ask(4)
    lab.down()
