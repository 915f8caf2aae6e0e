"""Nothing is wrong: one of two child SAs is closed while the other is rekeyed.

The cloud closes the child SA of one pair of subnets just when the office rekeys that of the other. The office asks
for the closed one again, and both live side by side.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="two child SAs, a rekeying and a delete in one moment, another child SA two seconds later; ESP both ways "
    "under both since.",
    sees_keyed="what the cloud deletes is for other subnets than what it granted before, once; the office gets it "
    "again, and nothing is deleted for it.",
)


def build(lab):
    lab.another("two", "172.20.17.0/24", "172.20.49.0/24")


def story(lab):
    def ask_of_two(count):
        lab.ask(count, source="172.20.17.1", target="172.20.49.1")

    lab.up()
    lab.up("two")
    lab.ask(5)
    lab.together(
        lambda: lab.close(side=lab.cloud),
        lambda: lab.rekey("two"),
        lambda: ask_of_two(8),
    )
    lab.up()
    lab.together(lambda: lab.ask(10), lambda: ask_of_two(10))
