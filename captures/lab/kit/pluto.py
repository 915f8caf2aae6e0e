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
            "ikev2": "insist",
            "ike": "aes_gcm256-sha2_384-ecp_384",
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
        """Its log, which opens a capture if it came to keys; None if it came to none."""
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return log if re.search(r"\bSK_|SKEYID", log) else None

    def sas(self):
        """None: the other end tells them."""
        return [], []
