"""vpnc: a client of IKEv1, as Cisco's was, with ESP in user space. It asks from ports of its own."""

import re
import subprocess

SETTINGS = {
    "IPSec ID": "road",
    "IPSec secret": "correct horse battery staple",
    "Xauth username": "mary",
    "Xauth password": "little lamb",
    "IKE DH Group": "dh14",
    "Perfect Forward Secrecy": "nopfs",
    "NAT Traversal Mode": "natt",
    "Local Port": "0",
    "DPD idle timeout (our side)": "0",
    "Interface name": "tun9",
}

# What vpnc calls when it is connected: the address that it was given, and a way to the cloud's LAN.
CONNECTED = """#!/bin/sh
[ "$reason" = connect ] || exit 0
ip link set dev $TUNDEV up mtu 1400
ip address add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
ip route add {subnet} dev $TUNDEV
"""


def serve(lab, pool="172.20.64.0/28"):
    """The cloud serves clients with a group's key, a user's password and an address of a pool, if one is named."""
    lab.ikev1("aes256-sha1-modp2048", "aes256-sha1")
    lab.absent = (lab.office,)
    lab.office.version = version
    cloud = lab.cloud
    cloud.plug("xauth-generic", "attr", "unity")
    cloud.settings["i_dont_care_about_security_and_use_aggressive_mode_psk"] = "yes"
    cloud.settings["cisco_unity"] = "yes"
    cloud.secrets["xauth"] = {"id": "mary", "secret": '"little lamb"'}
    cloud.connection.update(aggressive="yes", remote_addrs="%any")
    cloud.local["id"] = cloud.address
    cloud.remote["id"] = "%any"
    cloud.connection["remote-x"] = {"auth": "xauth"}
    cloud.child["remote_ts"] = "dynamic"
    if pool:
        cloud.connection["pools"] = "road"
        cloud.more["pools"] = {"road": {"addrs": pool}}


def dial(lab, **settings):
    """The office's client starts; gives its process, which a signal ends in order."""
    script = lab.office.work / "connected"
    script.write_text(CONNECTED.format(subnet=lab.cloud.subnet))
    script.chmod(0o755)
    told = {"IPSec gateway": lab.cloud.address, **SETTINGS, "Script": script, **settings}
    file = lab.office.work / "vpnc.conf"
    file.write_text("".join(f"{name} {value}\n" for name, value in told.items()))
    return lab.office.space.start(["vpnc", "--no-detach", "--non-inter", str(file)])


def version():
    said = subprocess.run(["vpnc", "--version"], text=True, capture_output=True, check=False)
    return re.search(r"vpnc version [\w.]+", said.stdout).group()
