"""Two gateways have one identity.

The office has two addresses with a tunnel from each, to the same cloud, and both tunnels have the same identity. The
cloud keeps one tunnel for each identity: whichever comes up ends the other, which begins anew at once.
"""

from kit import Expect

expect = Expect(
    sealed="duplicate-tunnel",
    sees="IKE SAs of two addresses with the cloud, by turns; each time one comes up the cloud sends a message of the size "
    "of a Delete on the other.",
    sees_keyed="the same identity in both, and Deletes.",
)


def build(lab):
    lab.office("ip address add 203.0.113.19/28 dev wan")
    lab.office.alias("172.20.17.1")
    lab.office.connection["unique"] = "never"
    lab.office.child["close_action"] = "start"
    twin = {**lab.office.child, "local_ts": "172.20.17.0/24"}
    twin = {**lab.office.connection, "local_addrs": "203.0.113.19", "children": {"spare": twin}}
    lab.office.connections["twin"] = twin
    lab.cloud.connection.update(remote_addrs="%any", unique="replace")
    lab.cloud.child["remote_ts"] = "172.20.16.0/24,172.20.17.0/24"
    lab.net.wire(delay=0.4)


def story(lab):
    lab.up()
    lab.ask(4)
    lab.together(lambda: lab.up("spare", timeout=8), lambda: lab.ask(20))
