"""libreswan's daemon: pluto, as the other end.

Its ESP lives in the kernel alone. Where the kernel has none it negotiates all the same, and then
takes back what it cannot install.
"""

import os
import re
import subprocess
import time

from kit.gateway import Gateway


class Pluto(Gateway):
    """A gateway that runs pluto; `connection` is a section `conn` of ipsec.conf."""

    def __init__(self, run, work, name, programs):
        super().__init__(run, work, name)
        self.programs = programs
        self.setup = {"plutodebug": "base,private", "logappend": "yes"}
        self.connection = {
            "left": self.address,
            "leftid": f"@{self.id}",
            "leftsubnet": self.subnet,
            "authby": "secret",
            "keyexchange": "ikev2",
            "ike": "aes256-sha2_256-ecp_256",
            "esp": "aes_gcm256",
            "pfs": "no",
            "auto": "add",
        }
        self.secret = "correct horse battery staple"

    def meets(self, other):
        self.connection.update(right=other.address, rightid=f"@{other.id}", rightsubnet=other.subnet)

    def start(self):
        lines = ["config setup"]
        lines += [f"    {key}={value}" for key, value in self.setup.items()]
        lines += ["conn peer"]
        lines += [f"    {key}={value}" for key, value in self.connection.items()]
        config = self.work / "ipsec.conf"
        config.write_text("\n".join(lines) + "\n")
        secrets = self.work / "ipsec.secrets"
        secrets.write_text(f': PSK "{self.secret}"\n')
        store = self.work / "nss"
        store.mkdir()
        subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True)
        library = self.programs.parent.parent / "lib"
        self._environment = {**os.environ, "LD_LIBRARY_PATH": str(library)}
        words = ["--nofork", "--config", config, "--nssdir", store, "--rundir", self.work]
        words += ["--secretsfile", secrets, "--logfile", self.log, "--use-xfrm"]
        self.running = self.space.start(
            [self.programs / "pluto", *words],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            if (self.work / "pluto.ctl").exists():
                break
            time.sleep(0.1)
        self._run("addconn", "--config", config, "--ctlsocket", self.work / "pluto.ctl", "peer")
        self.whack("--listen")

    def whack(self, *words):
        """Speaks to the daemon."""
        self._run("whack", "--ctlsocket", self.work / "pluto.ctl", *words)

    def up(self, name="peer"):
        self.whack("--initiate", "--asynchronous", "--name", name)

    def _run(self, program, *words):
        with open(self.work / "said", "a") as said:
            self.space(
                [self.programs / program, *words],
                check=False,
                env=self._environment,
                stderr=said,
            )

    def version(self):
        words = [self.programs / "pluto", "--version"]
        said = subprocess.run(words, text=True, capture_output=True, env=self._environment, check=False)
        return re.search(r"Libreswan [\w.]+", said.stdout).group()

    def keys(self):
        """Of its log what opens and explains a capture; None if it came to no keys."""
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        kept, dump = [], False
        for line in log.splitlines():
            words = re.sub(r"^\w{3} +\d+ \S+ ?", "", line)
            if not words.startswith("|"):
                # What it tests of itself when it starts says nothing of the peers.
                dump = False
                if re.match(r'(ERROR: )?"peer"', words):
                    kept.append(line)
            elif re.match(r"\| +(ikev[12] \S+ 0x|(our|peer) +keymat|Skeyid|SKEYID|enc key|[IR]COOKIE)", words):
                dump = True
                kept.append(line)
            elif dump and re.match(r"\| +([0-9a-f]{2} +)+", words):
                kept.append(line)
            else:
                dump = False
        return "\n".join(kept) + "\n" if re.search(r"\| +(ikev[12] \S+ 0x|enc key)", log) else None

    def sas(self):
        """None: the other end tells them."""
        return [], []
