"""saslgate itself: its configuration, its processes, and what it logged."""

import json
import os
import re
import subprocess

from door import MODES, PROTOCOLS, Door
from process import Process, free_ports

TLS = {"plain": "off", "starttls": "starttls", "implicit": "implicit"}
EVERYWHERE = [(protocol, mode) for protocol in PROTOCOLS for mode in MODES]
MADE = re.compile(r"^    ([a-z0-9-]+)$", re.MULTILINE)
HASH = re.compile(r"^    (sg[12]:\S+)$", re.MULTILINE)


class Gate:
    """One process. `settings` is all of its configuration but the listeners: one for each of `at`, on a port of its own."""

    def __init__(self, program, folder, certificates, settings, at=EVERYWHERE):
        self.program, self.folder, self.certificates = program, folder, certificates
        folder.mkdir()
        self.ports = dict(zip(at, free_ports(len(at))))
        text = settings + "".join(self.listener(*one) for one in at)
        self.configuration = folder / "saslgate.toml"
        self.configuration.write_text(text)
        self.log = folder / "log"
        self.process = None

    def listener(self, protocol, mode):
        """One `[[listener]]`."""
        files = f'certificate = "{self.certificates}/cert.pem"\nkey = "{self.certificates}/key.pem"\n'
        return (
            f'[[listener]]\nprotocol = "{protocol}"\nbind = "127.0.0.1:{self.ports[protocol, mode]}"\ntls = "{TLS[mode]}"\n'
            + ("" if mode == "plain" else files)
        )

    def start(self):
        """Starts it and waits until every port answers."""
        argv = [str(self.program), "run", "--config", str(self.configuration)]
        self.process = Process("saslgate", argv, self.log, {"PATH": os.environ["PATH"]})
        self.process.wait_for(self.ports.values())
        return self

    def end(self):
        """SIGTERM; the exit code has to be 0."""
        return self.process.end() if self.process else 0

    def door(self, protocol, mode, user, password):
        """Where a mail client goes."""
        return Door(protocol, mode, self.ports[protocol, mode], user, password, self.certificates / "ca.pem")

    def count(self, event):
        """How often an audit event happened: what a second had too many of is a number."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return sum(line.get("event") == event or line.get("suppressed", 0) * (line.get("of") == event) for line in lines)


def generated(program):
    """A password that saslgate made, and its hash."""
    told = subprocess.run([program, "password"], capture_output=True, text=True, check=True).stdout
    return MADE.search(told)[1], HASH.search(told)[1]


def chosen(program, password):
    """The hash of a password that somebody chose."""
    told = subprocess.run([program, "password", "--stdin"], input=password, capture_output=True, text=True, check=False).stdout
    return HASH.search(told)[1]
