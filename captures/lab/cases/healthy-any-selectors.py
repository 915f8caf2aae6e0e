"""Nothing is wrong: selectors of everything.

Both sides ask for 0.0.0.0/0 on both ends, as routers with a tunnel interface do, and grant it.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="a tunnel like any other.",
    sees_keyed="0.0.0.0 to 255.255.255.255 in TSi and TSr, asked for and granted.",
)


def build(lab):
    lab.children(local_ts="0.0.0.0/0", remote_ts="0.0.0.0/0")


def story(lab):
    lab.up()
    lab.ask(5)
    lab.rekey()
    lab.ask(5, size=300)
    lab.down()
