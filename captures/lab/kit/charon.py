"""strongSwan's daemon: charon-systemd, configured by swanctl."""

import os
import re
import subprocess
import time

from kit import engine, keep
from kit.gateway import Gateway

PLUGINS = (
    "random nonce aes des sha1 sha2 hmac kdf gmp gcm openssl pem pkcs1 pkcs8 x509 pubkey constraints "
    "vici kernel-libipsec kernel-netlink socket-default"
)


def section(table, depth=0):
    """A nested dict as strongSwan writes it."""
    lines = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += ["    " * depth + f"{key} {{", section(value, depth + 1), "    " * depth + "}"]
        elif value is not None:
            words = ",".join(value) if isinstance(value, (list, tuple)) else value
            lines.append("    " * depth + f"{key} = {words}")
    return "\n".join(line for line in lines if line)


class Charon(Gateway):
    """A gateway that runs charon. Change the dicts before it starts; `reload` takes over later ones."""

    def __init__(self, run, work, name):
        super().__init__(run, work, name)
        self.plugins = PLUGINS.split()
        self.settings = {
            "retransmit_timeout": 1.5,
            "retransmit_base": 1.6,
            "retransmit_tries": 4,
            "plugins": {
                "vici": {"socket": f"unix://{self.work}/vici"},
                "kernel-libipsec": {"raw_esp": "yes"},
            },
        }
        self.local = {"auth": "psk", "id": self.id}
        self.remote = {"auth": "psk"}
        self.child = {"esp_proposals": "aes256gcm16", "dpd_action": "clear"}
        self.children = {"lan": self.child}
        self.connection = {
            "version": 2,
            "local_addrs": self.address,
            "proposals": "aes256gcm16-prfsha384-ecp384",
            "encap": "no",
            "dpd_delay": "0s",
            "local": self.local,
            "remote": self.remote,
            "children": self.children,
        }
        self.connections = {"peer": self.connection}
        self.secrets = {"ike": {"secret": '"correct horse battery staple"'}}
        # Other sections of swanctl.conf: pools, authorities.
        self.more = {}

    def meets(self, other):
        """The peer, as a healthy configuration knows it."""
        self.connection["remote_addrs"] = other.address
        self.remote["id"] = other.id
        self.child["local_ts"] = self.subnet
        self.child["remote_ts"] = other.subnet

    def configure(self):
        log = {
            "path": self.log,
            "time_format": "%Y-%m-%dT%H:%M:%S",
            "time_precision": "us",
            "flush_line": "yes",
            "append": "yes",
            "ike_name": "yes",
            "default": 1,
            "mgr": 2,
            "ike": 4,
            "chd": 4,
        }
        daemon = {"load": " ".join(self.plugins), **self.settings, "filelog": {"log": log}}
        (self.work / "strongswan.conf").write_text(section({"charon-systemd": daemon}) + "\n")
        told = {"connections": self.connections, "secrets": self.secrets, **self.more}
        (self.work / "swanctl.conf").write_text(section(told) + "\n")

    def start(self):
        """The daemon, in a /run of its own, with its connections loaded."""
        self.configure()
        (self.work / "vici").unlink(missing_ok=True)
        environment = {**os.environ, "STRONGSWAN_CONF": f"{self.work}/strongswan.conf"}
        self.running = self.space.start(
            ["sh", "-c", "mount -t tmpfs none /run && exec charon-systemd"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            if (self.work / "vici").exists():
                break
            time.sleep(0.1)
        self.vici("--load-all")

    def reload(self):
        """The daemon takes over what the case has changed since."""
        self.configure()
        self.vici("--load-all")

    def vici(self, *words):
        """Speaks to the daemon; refusals are part of life, and are in its log."""
        environment = {**os.environ, "SWANCTL_DIR": str(self.work)}
        with open(self.work / "said", "a") as said:
            self.space(
                ["swanctl", *words, "--uri", f"unix://{self.work}/vici"],
                check=False,
                env=environment,
                stderr=said,
            )

    def engine(self, source, target, count, every=0.3, child=1, number=1):
        """An encryption engine beside the daemon (`engine.py`) asks from `source` for `target`, under the child SA that
        this side asked for as its first, second and so on; the first packet bears sequence number `number`."""
        log = self.log.read_text(errors="replace")
        dumps = re.findall(r"encryption initiator key => 36 bytes .*\n((?:.* \d+: .*\n){3})", log)
        key = "".join(re.findall(r" \d+: ((?:[0-9A-F]{2} )+)", dumps[child - 1])).replace(" ", "")
        spi = re.findall(r"CHILD_SA \S+ established with SPIs \w+_i (\w+)_o", log)[child - 1]
        ends = self.address, self.connection["remote_addrs"], source, target
        words = ["python3", engine.__file__, key, spi, *ends, count, every, "--number", number]
        return self.space.start(words)

    def plug(self, *names):
        """More plugins, before those of other libraries."""
        at = self.plugins.index("openssl")
        self.plugins[at:at] = names

    def certify(self, kind, root, more=()):
        """A key and a certificate of `root`, a folder made by `make_root`; and they are used."""
        for folder in ("x509ca", "x509", "private"):
            (self.work / folder).mkdir(exist_ok=True)
        (self.work / "x509ca" / "root.pem").write_bytes((root / "root.pem").read_bytes())
        key = self.work / "private" / "key.pem"
        key.write_bytes(private_key(kind))
        public = self.work / "public.pem"
        public.write_bytes(pki("--pub", "--in", key))
        words = ["--issue", "--cacert", root / "root.pem", "--cakey", root / "root.key"]
        words += ["--in", public, "--dn", f"O=Example, CN={self.id}", "--san", self.id, *more]
        (self.work / "x509" / "own.pem").write_bytes(pki(*words))
        self.local.update(auth="pubkey", certs="own.pem")

    def version(self):
        said = subprocess.run(["swanctl", "--version"], text=True, capture_output=True, check=False)
        return re.search(r"strongSwan [\w.]+", said.stdout + said.stderr).group()

    def keys(self):
        """What its log says of keys; None if it came to none."""
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return keep.charon_keys(log)

    def sas(self):
        """SPIs of IKE SAs that came up, and of child SAs (in, out, selectors here and there), in order."""
        log = self.log.read_text(errors="replace")[self.untold :] if self.log.exists() else ""
        begun = dict.fromkeys(re.findall(r"IKE_SA \S+\[(\d+)\] state change: CREATED", log))
        up = set(re.findall(r"IKE_SA \S+\[(\d+)\] state change: \w+ => ESTABLISHED", log))
        told = re.findall(r"checkin IKEv. SA \S+\[(\d+)\] with SPIs (\w+)_i (\w+)_r", log)
        ikes = {
            (initiator, responder): None
            for number in begun
            for known, initiator, responder in told
            if known == number and number in up and set(responder) != {"0"}
        }
        children = re.findall(
            r"(?<!outbound )CHILD_SA \S+ established with SPIs (\w+)_i (\w+)_o and TS (.*) === (.*)", log
        )
        return list(ikes), children


def make_root(folder, kind="rsa-3072", name="O=Example, CN=Example Root"):
    """A root of trust: `root.key` and `root.pem` in `folder`, which is made."""
    folder.mkdir()
    (folder / "root.key").write_bytes(private_key(kind))
    root = pki("--self", "--ca", "--in", folder / "root.key", "--dn", name)
    (folder / "root.pem").write_bytes(root)
    return folder


def private_key(kind):
    """A key of a kind such as rsa-3072, ecdsa-256, ed25519."""
    algorithm, _, size = kind.partition("-")
    return pki("--gen", "--type", algorithm, *(["--size", size] if size else []))


def pki(*words):
    command = ["pki", *map(str, words), "--outform", "pem"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
