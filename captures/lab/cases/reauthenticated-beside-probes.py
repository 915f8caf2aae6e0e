"""A tunnel is authenticated anew by a timer, while a host that does not answer is pinged.

The office authenticates anew every nine seconds: it makes the next IKE SA and then deletes the one before. A host
behind it pings one that is silent all the while; another ping is answered.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    keyed="inner-no-reply",
    sees="a new IKE SA every nine seconds, each made before the one before is deleted, and ESP of a fixed pace that is "
    "answered beside such that is not.",
    sees_keyed="echo requests to 172.20.48.7 without a reply, from long before a delete to long after it.",
)


def build(lab):
    lab.office.connection.update(reauth_time="9s", over_time="8s", rand_time="0s")
    lab.cloud.alias("172.20.48.7")
    lab.cloud.nft("add rule inet host in ip daddr 172.20.48.7 drop")


def story(lab):
    lab.up()
    lab.together(
        lambda: lab.ask(100),
        lambda: lab.ask(30, every=1, target="172.20.48.7"),
    )
