"""A bottleneck on the way drops what exceeds its rate.

The path carries 25 kilobytes a second and has a short queue. Slow traffic passes whole, bursts lose their
tails.
"""

from kit import Expect

expect = Expect(
    sealed="rate-limited",
    sealed_acceptable=("packet-loss",),
    sees="sequence numbers missing only while the rate is high; what arrives never exceeds a plateau.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.net.wire(rate=25000, queue=5000)


def story(lab):
    sink = lab.cloud.traffic("count", lab.cloud.lan, 9999)
    lab.up()
    for every in (0.05, 0.004, 0.05, 0.004):
        count = round(4 / every) if every > 0.01 else 350
        lab.office.traffic("datagrams", lab.office.lan, lab.cloud.lan, 9999, count, 150, every).wait()
        lab.wait(2)
    sink.kill()
    lab.down()
