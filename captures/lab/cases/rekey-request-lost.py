"""The rekeying of the IKE SA does not arrive, what is smaller does.

After the tunnel is up the net drops UDP packets above 500 octets. The office renews the IKE SA, and the request
carries a public value of 512 octets: no copy of it arrives, while the cloud asks every two seconds whether the
office lives and is answered, and pings pass. The office gives the tunnel up and begins anew, which works once the
net lets large packets pass again.
"""

from kit import Expect

expect = Expect(
    sealed="rekey-failed",
    sees="CREATE_CHILD_SA of 700 octets five times without an answer, among INFORMATIONAL exchanges of the other side "
    "that are answered; then IKE_SA_INIT, again and again, until it is answered.",
    sees_keyed="that the other side only asks for a sign of life.",
)


def build(lab):
    lab.suite("aes256-sha256-modp4096", "aes256-sha256")
    lab.both(mobike="no")
    lab.cloud.connection["dpd_delay"] = "2s"
    lab.children(dpd_action="restart", close_action="none")


def story(lab):
    lab.up()
    lab.ask(10)
    lab.lose("udp dport { 500, 4500 } ip length > 500")
    lab.together(lab.rekey_ike, lambda: lab.ask(45, every=0.5, side=lab.cloud))
    lab.heal()
    lab.wait(6)
