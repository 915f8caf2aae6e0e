"""ESP of one direction is dropped for twelve seconds, while IKE passes.

A filter on the way drops the ESP of the office, and is taken back. Liveness checks of both sides are answered all the
time. Recorded at the office, whose pings have no reply for that while.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("path-outage", "healthy"),
    keyed="esp-one-way",
    both="packet-loss",
    sees="twelve seconds in which ESP goes out and none comes back, liveness checks that are answered meanwhile, and no "
    "number missing afterwards.",
    sees_keyed="echo requests without a reply, before and after which there are replies.",
)


def build(lab):
    lab.both(dpd_delay="3s")
    lab.cloud.serve(8080)


def story(lab):
    lab.up()
    lab.ask(20)
    lab.fetch(3000)
    lab.lose("iifname office ip protocol esp")
    lab.ask(40)
    lab.heal()
    lab.ask(20)
