"""One account of one app: saslgate with nothing else in its configuration, its commands, and a mail client."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import gate

ADDRESS = re.compile(r"https://\S+")
TYPED = re.compile(r"^  (\S+)$", re.MULTILINE)
AT = ("imap", "implicit")


class Login:
    """`start` it, `sign_in` if its grant needs that, and `read` mail."""

    def __init__(self, registration, program, folder, certificates, server, imaps, password):
        folder.mkdir()
        self.registration, self.program, self.certificates = registration, program, certificates
        self.password, digest = password
        settings = registration.settings(folder, certificates, server, imaps, digest)
        self.gate = gate.Gate(program, folder / "gate", certificates, settings, [AT])

    @property
    def mailbox(self):
        """Whose mail it is."""
        return self.registration.mailbox

    def start(self):
        """Starts saslgate."""
        self.gate.start()

    def restart(self):
        """Starts it anew: access tokens are gone with the process, what is in the store is not."""
        self.end()
        self.start()

    def end(self):
        """Ends it; anything but a clean end is an error."""
        if code := self.gate.end():
            raise RuntimeError(f"saslgate ended with {code}")

    def command(self, *words, **more):
        """One of saslgate's commands, begun."""
        argv = [str(self.program), *words, "--config", str(self.gate.configuration)]
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PATH": os.environ["PATH"]}
        )

    def sign_in(self, *options):
        """Begins a sign-in."""
        self.registration.port.let_go()
        return SignIn(self.command("sign-in", self.mailbox, *options))

    def state(self):
        """How the account stands, in saslgate's word."""
        told, _ = self.command("status", "--json").communicate(timeout=30)
        return json.loads(told)["accounts"][0]["state"]

    def read(self):
        """What curl reads of the mailbox's message, or curl's words why it reads nothing."""
        door = self.gate.door(*AT, self.mailbox, self.password)
        address = f"imaps://localhost:{door.port}/INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)"
        argv = ["curl", "-sS", "--max-time", "60", "--cacert", str(door.ca), "--config", "-", address]
        user = f"{door.user}:{door.password}"
        ran = subprocess.run(argv, input=f'user = "{user}"\n', capture_output=True, text=True, check=False)
        return ran.stdout.strip() if ran.returncode == 0 else f"curl {ran.returncode}: {ran.stderr.strip()}"

    def must_read(self, at_once=1):
        """Mail is read, by so many mail clients at one time."""
        with ThreadPoolExecutor(at_once) as pool:
            for got in pool.map(lambda _: self.read(), range(at_once)):
                expect(got, f"Subject: {self.mailbox}")


class SignIn:
    """`saslgate sign-in` while it waits."""

    def __init__(self, child):
        self.child, self.told = child, ""

    def tells(self, what):
        """The first thing of a kind that it tells."""
        while not (found := what.search(self.told)):
            line = self.child.stdout.readline()
            if not line:
                raise RuntimeError(f"sign-in told nothing like {what.pattern}: {self.told}")
            self.told += line
        return found[found.re.groups]

    def address(self):
        """What is to be opened in a browser."""
        return self.tells(ADDRESS)

    def code(self):
        """What is to be typed there."""
        return self.tells(TYPED)

    def end(self, code=0, typed=None):
        """Waits until it has ended with this exit code, and returns all that it told."""
        rest, _ = self.child.communicate(typed, timeout=120)
        self.told += rest
        if self.child.returncode != code:
            raise RuntimeError(f"sign-in ended with {self.child.returncode}, not {code}: {self.told}")
        return self.told


def expect(got, want):
    """Equal, or the difference for a person."""
    if got != want:
        raise RuntimeError(f"got {got!r}, not {want!r}")


def expect_in(part, whole):
    """One in the other."""
    if part not in whole:
        raise RuntimeError(f"{part!r} is not in {whole!r}")
