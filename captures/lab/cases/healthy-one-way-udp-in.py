"""Nothing is wrong: a tunnel that carries one direction, towards the tap.

The cloud sends measurements over UDP to a collector behind the office, which has no reason to answer.
Liveness checks pass.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP from the cloud alone, of one size, every half second, and answered liveness checks.",
    sees_keyed="UDP to port 2055, which wants no answer.",
)


def build(lab):
    lab.both(dpd_delay="4s")


def story(lab):
    lab.office.traffic("count", lab.office.lan, 2055)
    lab.up()
    lab.cloud.traffic("datagrams", lab.cloud.lan, lab.office.lan, 2055, 36, 420, 0.5)
    lab.wait(22)
    lab.down()
