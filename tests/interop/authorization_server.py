"""The authorization server that others wrote: node's oidc-provider, from npm, in a process of its own."""

import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from process import Process, free_ports

SOURCES = Path(__file__).parent / "oidc"
# What npm says when it is the network's fault, or the registry's, and not that of what was asked for.
UNREACHABLE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|E50[234])\b")
# Debian's own, where there is neither. Others package both in one.
PACKAGES = ("nodejs", "npm")


class Skipped(Exception):
    """The server can't be had here, and why."""


def packages():
    """The Debian packages that are missing for it."""
    return () if installed().exists() or shutil.which("npm") else PACKAGES


def installed():
    """Where it is kept between runs: what package-lock.json pins, so that another lock is another place."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "saslgate-interop" / f"oidc-{hashlib.sha256(lock).hexdigest()[:16]}"


def install(allowed):
    """Has npm fetch it, every package of the hash that the lock names, and none of their scripts run."""
    if installed().exists():
        return
    if not allowed:
        raise Skipped("oidc-provider is not installed, and --no-install forbids it")
    installed().parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="new.", dir=installed().parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if ran.returncode:
            if why := UNREACHABLE.search(ran.stderr):
                raise Skipped(f"npm's registry can't be reached from here ({why[0]})")
            raise RuntimeError(f"npm ci: {ran.stderr[-2000:]}")
        place(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(folder):
    """Puts a complete folder where the next run looks for it; whoever else did so meanwhile put the same there."""
    try:
        folder.rename(installed())
    except OSError:
        if not installed().exists():
            raise


class AuthorizationServer:
    """One process. `registrations` are the apps that it knows; `people` who may sign in, by what they type: the `name` that
    it gives them and the mailbox that their tokens open."""

    def __init__(self, folder, certificates, registrations, people):
        self.folder, self.certificates = folder, certificates
        folder.mkdir()
        self.port = free_ports(1)[0]
        self.introspection_secret = secrets.token_hex(16)
        self.log, self.process = folder / "events", None
        introspection = {
            "client_id": "dovecot", "client_secret": self.introspection_secret,
            "redirect_uris": [], "response_types": [], "grant_types": [],
        }
        settings = {
            "issuer": self.issuer, "port": self.port, "cookie_key": secrets.token_hex(16),
            "certificate": f"{certificates}/cert.pem", "key": f"{certificates}/key.pem", "app_certificate": f"{certificates}/app.pem",
            "clients": [introspection, *(one.metadata() for one in registrations)],
            "apps": {one.name: one.mailbox for one in registrations},
            "short_lived": [one.name for one in registrations if one.is_short_lived],
            "people": people,
        }
        (folder / "settings.json").write_text(json.dumps(settings))

    @property
    def issuer(self):
        """Its name, and where it is."""
        return f"https://localhost:{self.port}"

    @property
    def token_url(self):
        """Its token endpoint."""
        return f"{self.issuer}/token"

    @property
    def introspection_url(self):
        """Where Dovecot asks, with what proves Dovecot (RFC 7662 2.1)."""
        return f"https://dovecot:{self.introspection_secret}@localhost:{self.port}/token/introspection"

    def provider(self):
        """Its endpoints, as `[provider.NAME]` has them."""
        return (
            f'token_url = "{self.token_url}"\nauthorize_url = "{self.issuer}/auth"\ndevice_url = "{self.issuer}/device/auth"\n'
        )

    def start(self):
        """Starts it and waits until it listens. Node looks for packages beside the script."""
        shutil.copy(SOURCES / "server.mjs", installed())
        argv = ["node", str(installed() / "server.mjs"), str(self.folder / "settings.json")]
        self.process = Process("oidc-provider", argv, self.log, {"PATH": os.environ["PATH"]})
        self.process.wait_for([self.port], 30)

    def end(self):
        """Ends it."""
        if self.process:
            self.process.end()

    def events(self, name, *kinds):
        """What happened to an app, of some kinds or of all."""
        events = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [event for event in events if event.get("client") == name and (not kinds or event["event"] in kinds)]

    def wait_for(self, name, kind, seconds, **facts):
        """Returns the first event of an app with these facts."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for event in self.events(name, kind):
                if facts.items() <= event.items():
                    return event
            time.sleep(0.1)
        raise RuntimeError(f"{name}: no {kind} {facts} in {seconds} s, but {self.events(name)}")

    def faults(self):
        """What it did not expect itself."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if line.startswith("{") and json.loads(line)["event"] == "fault"]
