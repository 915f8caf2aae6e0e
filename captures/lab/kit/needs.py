"""What a recording needs, told before it fails."""

import os
import pathlib
import re
import shutil
import subprocess

PROGRAMS = ("ip", "nft", "ethtool", "tcpdump", "ping", "unshare", "charon-systemd", "swanctl", "pki")
# Where libreswan's programs lie, or a link to where it was unpacked: Debian lets it not be installed beside
# strongSwan. Its daemon looks for the others here.
LIBRESWAN = pathlib.Path("/usr/libexec/ipsec")


def check():
    if os.geteuid() != 0:
        raise SystemExit("record: network namespaces need root")
    # What `su` gives root is a user's path.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    gone = [name for name in PROGRAMS if not shutil.which(name)]
    if gone:
        raise SystemExit(f"record: {', '.join(gone)} not found; README.md says what to install")
    if not os.path.exists("/dev/net/tun"):
        raise SystemExit("record: no /dev/net/tun, which ESP in user space needs")
    # A container's root may lack CAP_SYS_ADMIN.
    apart = subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True)
    if apart.returncode:
        raise SystemExit("record: this root may make no network namespaces")


def missing(need):
    """Why a case cannot be recorded here; None if it can."""
    version = strongswan()
    if need in ("ikev1", "vpnc") and version >= (6, 1):
        return f"strongSwan {version[0]}.{version[1]} is built without IKEv1"
    if need == "ml-kem" and version < (6, 1):
        return "ML-KEM needs strongSwan 6.1 with OpenSSL 3.5"
    if need in ("libreswan", "libreswan-both") and not pluto():
        return "libreswan is not here"
    if need in ("ike-scan", "vpnc") and not shutil.which(need):
        return f"{need} is not here"
    return None


def strongswan():
    """Its version."""
    said = subprocess.run(["swanctl", "--version"], text=True, capture_output=True, check=False)
    major, minor = re.search(r"strongSwan (\d+)\.(\d+)", said.stdout + said.stderr).groups()
    return int(major), int(minor)


def pluto():
    """The folder of libreswan's programs, if it is here."""
    return LIBRESWAN.resolve() if (LIBRESWAN / "pluto").exists() else None
