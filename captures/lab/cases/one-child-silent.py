"""One child SA of three comes back no more.

Three child SAs carry pings. After a while the net drops what the cloud sends by the second of them; the other
two go on as before, and so does IKE.
"""

import re

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    both="esp-one-way",
    sees="three pairs of SPIs, of which one goes on in one direction only, while the other two pass both ways and "
    "bring no more than was asked for there.",
    sees_keyed="echo requests from 172.20.17.1 without replies from one moment on.",
)


def build(lab):
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")
    lab.another("three", "172.20.18.0/24", "172.20.50.0/24")


def story(lab):
    for child in ("lan", "two", "three"):
        lab.up(child)
    ask(lab, 24)
    log = lab.office.log.read_text(errors="replace")
    spi = re.search(r"(?<!outbound )CHILD_SA two\{\d+\} established with SPIs (\w+)_i", log).group(1)
    lab.lose(f"ip protocol esp @th,0,32 0x{spi}")
    ask(lab, 50)


def ask(lab, count):
    lab.together(
        lambda: lab.ask(count),
        lambda: lab.ask(count, source="172.20.17.1", target="172.20.49.1"),
        lambda: lab.ask(count, source="172.20.18.1", target="172.20.50.1"),
    )
