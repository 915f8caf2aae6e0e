"""A fifth of what the office sends is lost, and its own tap has all of it.

The net drops ESP of the office at random, 20 of 100, and none of the cloud. At the office's link nothing is
missing: what is lost there is what would have come in return.
"""

from kit import Expect

expect = Expect(
    sealed="packet-loss",
    sealed_acceptable=("healthy",),
    keyed="packet-loss",
    keyed_acceptable=("inner-no-reply",),
    both="packet-loss",
    sees="packets of one size at a fixed interval, and as many in return but for some, which are missing by chance; no "
    "number is missing in either direction.",
    sees_keyed="echo requests without replies here and there.",
)


def story(lab):
    lab.up()
    lab.lose(f"ip saddr {lab.office.address} ip protocol esp numgen random mod 100 < 20")
    lab.ask(120, every=0.15)
    lab.down()
