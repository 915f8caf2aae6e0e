"""The path drops the large answers of a service, and says nothing.

What the cloud sends and is larger than 1200 octets is dropped on the way. The office opens two connections to a
service, one after the other: each stands still with the first answer, while pings pass. Recorded at the cloud.
"""

from kit import Expect

expect = Expect(
    sealed="mtu-black-hole",
    sealed_acceptable=("healthy",),
    keyed="mtu-black-hole",
    both="mtu-black-hole",
    sees="large packets that leave at doubling distances, beside pings that are answered; at the other gateway none "
    "of them arrives, and their numbers are missing.",
    sees_keyed="connections that open, and full segments that are sent again and never acknowledged.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.lose("iifname cloud ip protocol esp ip length > 1200")


def story(lab):
    lab.cloud.serve(8080, None, "--times", 40)
    lab.up()
    lab.together(lambda: try_twice(lab), lambda: lab.ask(50, every=0.4))
    lab.down()


def try_twice(lab):
    for _ in range(2):
        lab.fetch(1000, patience=9, times=40)
