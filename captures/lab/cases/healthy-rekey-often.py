"""Nothing is wrong: short lifetimes.

Child SAs are rekeyed every six seconds and the IKE SA every fourteen, by whichever side's timer ends
first, under steady traffic: a dozen generations in forty seconds.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="one pair of SPIs after the other, each taking over without a gap, now and then a new pair of "
    "IKE's own. Often, and by design: no negotiation starts anew, nothing is lost.",
    sees_keyed="every rekey names the SA that it replaces.",
)


def build(lab):
    lab.both(rekey_time="14s", over_time="10s", rand_time="3s")
    lab.children(rekey_time="6s", life_time="12s", rand_time="2s")


def story(lab):
    lab.up()
    lab.ask(80, every=0.5)
    lab.down()
