"""One child SA of two is lost for some seconds, and comes back.

Two child SAs carry pings in UDP. For four seconds the net drops what the cloud sends by the second of them; the
first goes on.
"""

import re

from kit import Expect

expect = Expect(
    sealed="path-outage",
    sealed_acceptable=("packet-loss",),
    sees="four flows, of which one pauses and misses as many numbers as its fellow brings meanwhile.",
    sees_keyed="echo requests from 172.20.17.1 without replies for four seconds.",
)


def build(lab):
    lab.both(encap="yes")
    lab.suite("aes256-sha256-modp2048", "aes256-sha256")
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")


def before(lab):
    lab.up()
    lab.up("two")


def story(lab):
    lab.together(
        lambda: interrupt(lab),
        lambda: lab.ask(60, every=0.2),
        lambda: lab.ask(60, every=0.2, source="172.20.17.1", target="172.20.49.1"),
    )


def interrupt(lab):
    log = lab.office.log.read_text(errors="replace")
    spi = re.search(r"(?<!outbound )CHILD_SA two\{\d+\} established with SPIs (\w+)_i", log).group(1)
    lab.wait(3)
    lab.lose(f"udp sport 4500 @th,64,32 0x{spi}")
    lab.wait(4)
    lab.heal()
