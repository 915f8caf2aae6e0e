"""Nothing is wrong: a NAT forgets and gives another port.

The office sits behind a masquerade that forgets a silent flow after three seconds, and the office
sends no keepalives. Twice the tunnel is idle for longer. The office's next liveness check leaves from
another port; MOBIKE notices and moves the SAs there (RFC 4555). Pings pass before and right after.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    also=("nat-detected",),
    sees="the same SPIs of IKE, at first from one port of the NAT and later from others, with "
    "INFORMATIONAL exchanges at each move and a rekey right after it, which this daemon needs "
    "to move ESP. Nothing is lost.",
    sees_keyed="NAT_DETECTION notifies in the liveness checks, and UPDATE_SA_ADDRESSES after them.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.cloud.connection["remote_addrs"] = "%any"
    lab.office.connection["dpd_delay"] = "6s"
    lab.daemons(keep_alive="0s")
    lab.net.masquerade(lab.office.address, forgets=3)


def story(lab):
    lab.up()
    lab.ask(6)
    for moves in (1, 2):
        lab.office.until("parsed INFORMATIONAL response .* N.COOKIE2", moves)
        lab.ask(6)
        lab.ask(3, side=lab.cloud)
    lab.down()
