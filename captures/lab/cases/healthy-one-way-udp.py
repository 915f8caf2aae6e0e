"""Nothing is wrong: a tunnel that carries one direction.

The office sends log messages over UDP to a collector behind the cloud, which has no reason to answer.
Liveness checks pass. ESP in one direction alone is what this traffic looks like.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP from the office alone, of one size, every half second. The peer never sent ESP, answers its "
    "IKE, and nothing repeats itself as an unanswered request would. At the other end: all of it "
    "arrives.",
    sees_keyed="UDP to port 514, which wants no answer.",
)


def build(lab):
    lab.both(dpd_delay="4s")


def story(lab):
    lab.cloud.traffic("count", lab.cloud.lan, 514)
    lab.up()
    lab.office.traffic("datagrams", lab.office.lan, lab.cloud.lan, 514, 40, 180, 0.5)
    lab.wait(26)
    lab.down()
