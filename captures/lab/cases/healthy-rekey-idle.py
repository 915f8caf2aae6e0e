"""Nothing is wrong: rekeys of an idle tunnel.

Nobody talks. The child SA is rekeyed every eight seconds all the same, three times, and no ESP ever
flows. At the end two pings show that it would.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE exchanges alone, answered at once, for half a minute; then ESP both ways.",
    sees_keyed="four child SAs, of which the last is the only one that was used.",
)


def build(lab):
    lab.children(rekey_time="8s", life_time="16s", rand_time="0s")


def story(lab):
    lab.up()
    lab.wait(28)
    lab.ask(2)
    lab.down()
