"""The words of a story."""

import ipaddress
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from kit import traffic
from kit.charon import Charon, make_root
from kit.net import Net
from kit.pluto import Pluto


class Lab:
    """The gateways `office` and `cloud`, the `net` between, and what may be told of them."""

    def __init__(self, run, pluto=None, plutos=()):
        self._scratch = tempfile.TemporaryDirectory(prefix="lab-")
        self.work = self._scratch.name
        self.net = Net(run)
        # The sides in `plutos` run libreswan, whose programs are in `pluto`.
        self.office, self.cloud = (
            Pluto(run, self.work, name, pluto) if name in plutos else Charon(run, self.work, name)
            for name in ("office", "cloud")
        )
        self.sides = (self.office, self.cloud)
        if plutos == ("cloud",):
            # Of AEAD keys pluto logs no salt, so that nothing could open what they seal.
            self.office.connection["proposals"] = "aes256-sha256-ecp256"
        # `capture` is recorded on all links of the net instead, which has whatever passes it twice.
        self.middle = False
        # Whose outside link `capture` is; `capture_b` is that of the other.
        self.tap = self.office
        # Gateways without a daemon, and those whose link is not recorded.
        self.absent, self.untapped = (), ()
        for side, other in (self.sides, self.sides[::-1]):
            self.net.join(side)
            side.meets(other)

    # Before the story.

    def outside6(self):
        """IPv6 between the gateways."""
        self.ipv6()
        for side, other in (self.sides, self.sides[::-1]):
            side.connection.update(local_addrs=side.address6, remote_addrs=other.address6)

    def inside6(self):
        """IPv6 between the LANs."""
        self.ipv6()
        for side, other in (self.sides, self.sides[::-1]):
            side.child.update(local_ts=side.subnet6, remote_ts=other.subnet6)

    def ipv6(self):
        if not getattr(self, "_has_ipv6", False):
            self._has_ipv6 = True
            for side in self.sides:
                self.net.ipv6(side)

    def certify(self, kind="rsa-3072"):
        """Certificates of one root at both sides."""
        root = make_root(Path(self.work) / "root", kind)
        for side in self.sides:
            side.certify(kind, root)
            side.remote["auth"] = "pubkey"

    def eap(self, method="mschapv2", password="little lamb", known="little lamb"):
        """The cloud proves itself by a certificate, then mary at the office does by EAP."""
        self.certify()
        for side, secret in ((self.office, password), (self.cloud, known)):
            side.plug("eap-identity", f"eap-{method}", "md4", "md5", "attr")
            side.secrets["eap"] = {"id": "mary", "secret": f'"{secret}"'}
        self.office.local.clear()
        self.office.local.update(auth=f"eap-{method}", id=self.office.id, eap_id="mary")
        self.cloud.remote.clear()
        self.cloud.remote.update(auth=f"eap-{method}", eap_id="%any")

    def road(self, pool="172.20.64.0/28"):
        """The office asks for an address and talks from that; the cloud has a pool, if one is named."""
        self.office.connection["vips"] = "0.0.0.0"
        self.office.child["local_ts"] = self.cloud.child["remote_ts"] = "dynamic"
        if pool:
            self.cloud.connection["pools"] = "road"
            self.cloud.more["pools"] = {"road": {"addrs": pool, "dns": "172.20.48.53"}}

    def suite(self, ike, esp):
        """What both sides propose for IKE and for ESP."""
        self.both(proposals=ike)
        self.children(esp_proposals=esp)

    def ikev1(self, ike="aes128-sha256-modp2048", esp="aes128-sha256"):
        """IKEv1, and suites that it knows."""
        self.both(version=1)
        self.suite(ike, esp)

    def ikev1_of_libreswan(self, ike="aes256-sha1-modp2048", esp="aes256-sha256"):
        """IKEv1 between strongSwan, the office, and libreswan, the cloud, which has another word for SHA-2."""
        self.office.connection.update(version=1, proposals=ike)
        self.office.child["esp_proposals"] = esp
        ike, esp = (suite.replace("sha256", "sha2_256") for suite in (ike, esp))
        self.cloud.setup["ikev1-policy"] = "accept"
        self.cloud.connection.update(keyexchange="ikev1", ike=ike, esp=esp)

    def speakers(self, here="169.254.20.1", there="169.254.20.2"):
        """One address more at each end of the tunnel, as BGP speaks between, and selectors for it."""
        for side, own, other in ((self.office, here, there), (self.cloud, there, here)):
            side.alias(own)
            side.child["local_ts"] = f"{side.subnet},{own}/32"
            side.child["remote_ts"] = f"{side.child['remote_ts']},{other}/32"

    def another(self, name, here, there):
        """One more child of the office's subnet `here` and the cloud's `there`, whose first hosts exist."""
        ends = (self.office, here, there), (self.cloud, there, here)
        for side, own, other in ends:
            side.children[name] = {**side.child, "local_ts": own, "remote_ts": other}
            side.alias(first_host(own))

    def daemons(self, **settings):
        """The same lines for the daemons of both sides, in strongswan.conf."""
        for side in self.sides:
            side.settings.update(settings)

    def both(self, **settings):
        """The same lines for the connection of both sides."""
        for side in self.sides:
            side.connection.update(settings)

    def children(self, **settings):
        """The same lines for the child `lan` of both sides."""
        for side in self.sides:
            side.child.update(settings)

    # The story.

    def start(self):
        for side in self.sides:
            if side not in self.absent:
                side.start()

    def up(self, child="lan", side=None, timeout=20):
        """A side, else the office, starts the tunnel."""
        (side or self.office).vici("--initiate", "--child", child, "--timeout", str(timeout))

    def rekey(self, child="lan", side=None):
        (side or self.office).vici("--rekey", "--child", child)

    def rekey_ike(self, side=None):
        (side or self.office).vici("--rekey", "--ike", "peer")

    def reauthenticate(self, side=None):
        (side or self.office).vici("--rekey", "--ike", "peer", "--reauth")

    def close(self, child="lan", side=None):
        """A side deletes a child SA."""
        (side or self.office).vici("--terminate", "--child", child, "--timeout", "5")

    def down(self, side=None, timeout=5):
        """A side deletes the IKE SA."""
        (side or self.office).vici("--terminate", "--ike", "peer", "--timeout", str(timeout))

    def ask(self, count, every=0.3, size=56, source=None, target=None, side=None, more=""):
        """A LAN pings the other; `side` is who asks."""
        side = side or self.office
        other = self.cloud if side is self.office else self.office
        source, target = source or side.lan, target or other.lan
        side(f"ping -q -n -W 1 -c {count} -i {every} -s {size} -I {source} {more} {target}", check=False)

    def ask6(self, count, every=0.3, size=56, side=None):
        """The same in IPv6."""
        side = side or self.office
        other = self.cloud if side is self.office else self.office
        self.ask(count, every, size, source=side.lan6, target=other.lan6, side=side)

    def fetch(self, octets, port=8080, side=None, patience=8, times=1):
        """A LAN sends so many octets over TCP to a service of the other (see `serve`), and back."""
        side = side or self.office
        other = self.cloud if side is self.office else self.office
        words = ["python3", traffic.__file__, "--patience", patience, "--times", times, "fetch"]
        side([*words, side.lan, other.lan, port, octets], check=False)

    def together(self, *deeds):
        """Does things at the same time: functions without arguments."""
        threads = [threading.Thread(target=deed) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def lose(self, match):
        self.net.lose(match)

    def heal(self):
        self.net.heal()

    def wait(self, seconds):
        time.sleep(seconds)

    def reload(self):
        for side in self.sides:
            side.reload()

    # Around it.

    def record(self, side, file):
        """Starts a tap at a gateway's outside link; gives the process to end it by."""
        side.untold = len(side.log.read_text(errors="replace")) if side.log.exists() else 0
        space, link = (self.net.space, "any") if self.is_middle(side) else (side.space, "wan")
        words = f"tcpdump -q --immediate-mode -U -Z root -i {link} --time-stamp-precision=nano -w {file}"
        return space.start(words, stderr=subprocess.DEVNULL)

    def is_middle(self, side):
        """Whether the tap of a side lies in the net."""
        return self.middle and side is self.tap

    def delete(self):
        for side in self.sides:
            side.space.delete()
        self.net.space.delete()
        self._scratch.cleanup()


def first_host(subnet):
    return str(ipaddress.ip_network(subnet)[1])
