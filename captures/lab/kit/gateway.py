"""A gateway: a namespace with an outside link, a LAN, and room for a daemon."""

import ipaddress
import pathlib
import re
import time

from kit import traffic
from kit.net import Namespace

# The outside subnets are /28; the router has the first address of each.
PLACES = {
    "office": ("203.0.113.18", "172.20.16.1/24", "2001:db8:16::18", "fd00:20:16::1/64"),
    "cloud": ("203.0.113.34", "172.20.48.1/24", "2001:db8:48::34", "fd00:20:48::1/64"),
}


class Gateway:
    """What daemons of every make have in common."""

    def __init__(self, run, work, name):
        outside, lan, outside6, lan6 = PLACES[name]
        self.name = name
        self.id = f"{name}.example.org"
        self.address, self.address6 = outside, outside6
        self.router = str(ipaddress.ip_network(f"{outside}/28", strict=False)[1])
        self.router6 = str(ipaddress.ip_network(f"{outside6}/64", strict=False)[1])
        self.lan, self.lan6 = lan.split("/")[0], lan6.split("/")[0]
        self.subnet = str(ipaddress.ip_network(lan, strict=False))
        self.subnet6 = str(ipaddress.ip_network(lan6, strict=False))
        self.space = Namespace(run, name)
        self.work = pathlib.Path(work) / name
        self.work.mkdir()
        self.log = self.work / "log"
        # What the log said before the taps recorded.
        self.untold = 0
        self.running = None

    def __call__(self, command, check=True):
        """Runs a command here."""
        return self.space(command, check=check)

    def alias(self, address):
        """Another address of the LAN, or outside."""
        prefix = 128 if ":" in address else 32
        self.space(f"ip address add {address}/{prefix} dev lo")

    def nft(self, statement):
        """A filter of this gateway: `table inet host` is there, with chains `in`, `out`, `forward`."""
        if not getattr(self, "_filtered", False):
            self._filtered = True
            self.space.nft("add table inet host")
            for chain, hook in (("in", "input"), ("out", "output")):
                self.space.nft(
                    f"add chain inet host {chain} {{ type filter hook {hook} priority 0; }}"
                )
        self.space.nft(statement)

    def serve(self, port, address=None, *more):
        """A TCP service of the LAN that answers by what it is sent."""
        self.traffic(*more, "serve", address or self.lan, port)
        for _ in range(50):
            if self(["ss", "-Hltn", f"sport = :{port}"]):
                break
            time.sleep(0.1)

    def traffic(self, *words):
        """Starts `traffic.py` here; it ends with the case."""
        return self.space.start(["python3", traffic.__file__, *words])

    def logged(self, pattern):
        """How many lines of the daemon's log match."""
        return len(re.findall(pattern, self.log.read_text(errors="replace")))

    def until(self, pattern, times=1, patience=20):
        """Waits until so many lines of the daemon's log match; `ike`, `chd` and `mgr` are told in full."""
        for _ in range(int(patience * 10)):
            if self.logged(pattern) >= times:
                break
            time.sleep(0.1)

    def stop(self):
        """The daemon says goodbye and ends; `start` starts it anew."""
        self.running.terminate()
        self.running.wait()

    def kill(self):
        """The daemon dies without a farewell."""
        self.running.kill()
        self.running.wait()
