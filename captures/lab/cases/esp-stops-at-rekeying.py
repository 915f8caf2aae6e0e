"""ESP of the cloud is lost from a rekeying on, and the recording ends soon.

With the second child SA the net begins to drop ESP of the cloud. The office asks for six seconds more. One tap
alone can only suspect that it is no pause; two taps have both ends of it.
"""

from kit import Expect

expect = Expect(
    sealed="esp-one-way",
    sealed_acceptable=("healthy", "inner-no-reply"),
    keyed="inner-no-reply",
    keyed_acceptable=("esp-one-way", "healthy"),
    both="esp-one-way",
    sees="ESP both ways until the rekeying, then of the office alone, for six seconds; at the other tap all answers "
    "leave.",
    sees_keyed="echo requests without replies.",
)


def story(lab):
    lab.up()
    lab.ask(6)
    lab.rekey()
    lab.lose("iifname cloud ip protocol esp")
    lab.ask(20)
    lab.rekey()
    lab.ask(6)
