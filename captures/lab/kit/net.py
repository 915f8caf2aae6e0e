"""office ── net ── cloud: three network namespaces that have no way out.

A LAN is an address on the loopback device of its gateway. Addresses are those of documentation
(RFC 5737, RFC 3849) outside and private ones inside.
"""

import contextlib
import os
import signal
import subprocess
import time

from kit import wire


class Namespace:
    """A network namespace, and commands in it."""

    def __init__(self, run, name):
        self.name = name
        self.id = f"{run}-{name}"
        self.interfaces = 0
        subprocess.run(["ip", "netns", "add", self.id], check=True)
        # A link-local address that comes late makes daemons announce it; cases of IPv6 ask for it.
        self.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        self.sysctl("net/ipv6/conf/lo/disable_ipv6", 0)
        self("ip link set lo up")

    def __call__(self, command, check=True, **more):
        """Runs a command line, or a list of words; gives its output."""
        done = subprocess.run(
            self.words(command), check=check, text=True, stdout=subprocess.PIPE, **more
        )
        return done.stdout

    def start(self, command, **more):
        """Starts a command and does not wait for it. Its signals to its group are its own: swanctl
        interrupts its group when the daemon goes."""
        return subprocess.Popen(self.words(command), start_new_session=True, **more)

    def words(self, command):
        words = command.split() if isinstance(command, str) else [str(word) for word in command]
        return ["ip", "netns", "exec", self.id, *words]

    def sysctl(self, key, value):
        self(["sh", "-c", f"echo {value} >/proc/sys/{key}"])

    def nft(self, statement):
        self(["nft", statement])

    def delete(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            for process in self._pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, how)
            for _ in range(50):
                if not self._pids():
                    break
                time.sleep(0.1)
        subprocess.run(["ip", "netns", "delete", self.id], check=False)

    def _pids(self):
        listed = subprocess.run(
            ["ip", "netns", "pids", self.id], check=False, text=True, stdout=subprocess.PIPE
        )
        return [int(process) for process in listed.stdout.split()]


class Net:
    """What lies between the gateways: a router, and its faults."""

    def __init__(self, run):
        self.space = Namespace(run, "net")
        self.space.sysctl("net/ipv4/ip_forward", 1)
        self.space.nft("add table inet lab")
        self.space.nft("add chain inet lab forward { type filter hook forward priority 0; }")
        self._wire = None

    def join(self, gateway):
        """A link to the outside interface of a gateway, with an address of its subnet (.17, .33)."""
        space, near = gateway.space, gateway.name
        space(f"ip link add wan type veth peer name {near} netns {self.space.id}")
        for at, device in ((space, "wan"), (self.space, near)):
            # Without this a veth carries unfinished checksums and frames larger than the wire's.
            at(f"ethtool -K {device} tx off rx off tso off gso off gro off")
            at.sysctl(f"net/ipv6/conf/{device}/disable_ipv6", 0)
            at.sysctl(f"net/ipv6/conf/{device}/accept_dad", 0)
            at.sysctl(f"net/ipv6/conf/{device}/router_solicitations", 0)
            at.sysctl(f"net/ipv6/conf/{device}/addr_gen_mode", 1)
            at(f"ip link set {device} up")
        self.address(gateway, gateway.address, gateway.router, 28)
        space(f"ip route add default via {gateway.router}")
        space(f"ip address add {gateway.lan}/32 dev lo")

    def address(self, gateway, address, router, prefix):
        """An address for a gateway, and one for its router."""
        more = " nodad" if ":" in address else ""
        gateway.space(f"ip address add {address}/{prefix} dev wan{more}")
        if router:
            self.space(f"ip address add {router}/{prefix} dev {gateway.name}{more}")

    def ipv6(self, gateway):
        """IPv6 outside, besides IPv4."""
        self.space.sysctl("net/ipv6/conf/all/forwarding", 1)
        # The router asks for its neighbours from a link-local address.
        self.space(f"ip address add fe80::1/64 dev {gateway.name} nodad")
        gateway.space("ip address add fe80::2/64 dev wan nodad")
        # The daemon's device is to come carrying IPv6, and to say nothing of it.
        for key, value in (("disable_ipv6", 0), ("addr_gen_mode", 1), ("router_solicitations", 0)):
            gateway.space.sysctl(f"net/ipv6/conf/default/{key}", value)
        self.address(gateway, gateway.address6, gateway.router6, 64)
        gateway.space(f"ip -6 route add default via {gateway.router6}")
        gateway.space(f"ip -6 address add {gateway.lan6}/128 dev lo")

    def lose(self, match):
        """From now on the net drops what matches, in words of nft; heals with `heal`."""
        self.space.nft(f"add rule inet lab forward {match} drop")

    def refuse(self, match, answer):
        """From now on the net refuses what matches by an ICMP error, in words of nft."""
        self.space.nft(f"add rule inet lab forward {match} reject with {answer}")

    def heal(self):
        self.space.nft("flush chain inet lab forward")

    def mtu(self, gateway, octets, near=True):
        """The link to a gateway carries no larger packets; `near` is the gateway's own end too."""
        self.space(f"ip link set {gateway.name} mtu {octets}")
        if near:
            gateway.space(f"ip link set wan mtu {octets}")

    def masquerade(self, source, forgets=None, silent=False):
        """A NAT that gives what comes from `source` the router's address towards the other side.

        It also puts fragments together: drop rules see whole packets. Silent UDP flows it forgets after
        so many seconds, if that is said. A silent NAT drops UDP for a port that it does not know, and sends no ICMP.
        """
        self.space.nft("add chain inet lab postrouting { type nat hook postrouting priority 100; }")
        self.space.nft(f"add rule inet lab postrouting ip saddr {source} masquerade random")
        if forgets:
            for timer in ("udp_timeout", "udp_timeout_stream"):
                self.space.sysctl(f"net/netfilter/nf_conntrack_{timer}", forgets)
        if silent:
            self.space.nft("add chain inet lab input { type filter hook input priority 0; }")
            self.space.nft("add rule inet lab input meta l4proto udp drop")

    def wire(self, **effects):
        """Every packet takes a detour through `wire.py`, which delays, swaps, repeats or limits.

        Packets then pass the router twice: rules of `lose` should name an `iifname`.
        """
        if self._wire:
            self._wire.kill()
            self._wire.wait()
        else:
            for table, side in ((101, "office"), (102, "cloud")):
                self.space(f"ip tuntap add dev via-{side} mode tun")
                self.space.sysctl(f"net/ipv4/conf/via-{side}/rp_filter", 0)
                self.space(f"ip link set via-{side} mtu 9000 up")
                self.space(f"ip route add default dev via-{side} table {table}")
                self.space(f"ip rule add iif {side} lookup {table}")
            self.space.sysctl("net/ipv4/conf/all/rp_filter", 0)
        words = [f"--{name}={value}" for name, value in effects.items()]
        self._wire = self.space.start(["python3", wire.__file__, *words])
