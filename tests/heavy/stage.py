"""What the proofs share: a simulator and a release saslgate in front of it, mail clients, a supervisor's ear, verdicts.

Everything listens on loopback at ports that the system picks, lives in a temporary directory, and is ended by its
process id. The binary is target/release/saslgate, or the one that the environment variable SASLGATE names.
"""

import asyncio
import base64
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SASLGATE = os.environ.get("SASLGATE", str(ROOT / "target/release/saslgate"))
DOMAIN = "contoso.onmicrosoft.com"
ALICE, BOB, SUPPORT = (f"{name}@{DOMAIN}" for name in ("alice", "bob", "support"))
PROTOCOLS = ("imap", "pop3", "smtp")

# How the log names a request to the token endpoint, whatever came of it.
TOKEN_REQUEST = re.compile(r"(first token|token renewed|tokens come again|same token again|(still )?no token)")


def app_password():
    """A generated password and the line that a configuration stores of it."""
    text = subprocess.run([SASLGATE, "password"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^ +(\w{6}(?:-\w{6})+)$", text, re.M)[1], stored(text)


def chosen(password):
    """The line that a configuration stores of a chosen password."""
    made = subprocess.run([SASLGATE, "password", "--stdin"], input=password + "\n", capture_output=True, text=True)
    return stored(made.stdout)


def stored(text):
    return re.search(r"sg[12]:\S+", text)[0].rstrip('"')


def account(login, *hashes, more=""):
    """An [[account]] table; `more` is further keys in TOML."""
    return f'[[account]]\nlogin = "{login}"\npassword = {json.dumps(list(hashes))}\n{more}\n'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sign_in(config, account, ca, environment=None):
    """Signs in as the person whom the account means, with the simulator's page for a browser; whether it worked."""
    command = [SASLGATE, "sign-in", account, "--no-browser", "--config", str(config)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    address = next(line.strip() for line in child.stdout if line.strip().startswith("https://"))
    trust = ssl.create_default_context(cadata=ca)
    threading.Thread(target=lambda: urllib.request.urlopen(address, context=trust).read()).start()
    child.stdout.read()
    return child.wait() == 0


def counts(simulator):
    """What the simulator has counted so far."""
    simulator.stdin.write(b"\n")
    simulator.stdin.flush()
    return json.loads(simulator.stdout.readline())


class Ear:
    """What a saslgate tells its supervisor (sd_notify(3)). Not more than ten words wait in it for being heard."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(str(path))
        self.path, self.heard = str(path), []

    def listen(self):
        """All that was heard so far, each word with its moment."""
        while True:
            try:
                word = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append((time.monotonic(), word))

    def has_heard(self, word):
        return any(line == word for _, said in self.listen() for line in said.split("\n"))


class Tail:
    """A log in JSON that is read while it grows."""

    def __init__(self, path):
        self.path, self.at, self.lines = path, 0, []

    def read(self):
        """All lines so far."""
        with open(self.path, "rb") as log:
            log.seek(self.at)
            whole = log.read().rpartition(b"\n")[0]
        if whole:
            self.at += len(whole) + 1
            self.lines += [json.loads(line) for line in whole.split(b"\n") if line.startswith(b"{")]
        return self.lines

    def count(self, message):
        return sum(line["message"] == message for line in self.read())


class Stage:
    """A simulator with a saslgate in front of it, for as long as the `with` block lasts."""

    def __init__(self, accounts, listeners=None, more="", prefix=(), at_listeners=""):
        self.listeners = listeners or [(protocol, "off") for protocol in PROTOCOLS]
        self.accounts, self.more, self.prefix = accounts, more, list(prefix)
        # Further keys of each listener, in TOML.
        self.at_listeners = at_listeners
        self.processes = []

    def __enter__(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.folder = tempfile.TemporaryDirectory(prefix="saslgate-heavy-")
        self.path = pathlib.Path(self.folder.name)
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        self.simulator = self.spawn([SASLGATE, "demo", "--simulator-only"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = json.loads(self.simulator.stdout.readline())
        self.told = told
        (self.path / "ca.pem").write_text(told["ca"])
        (self.path / "secret").write_text(told["client_secret"])
        (self.path / "secret").chmod(0o600)
        if any(tls != "off" for _, tls in self.listeners):
            certs = [SASLGATE, "certs", str(self.path / "tls")]
            subprocess.run(certs, stdout=subprocess.DEVNULL, check=True)
        self.write_configuration(told)
        self.log_file = open(self.path / "log", "wb")
        run = [*self.prefix, SASLGATE, "run", "--config", str(self.path / "saslgate.toml")]
        self.saslgate = self.spawn(run, stdin=subprocess.DEVNULL, stderr=self.log_file, env=self.environment())
        self.wait_for("ready")
        lines = [line for line in self.log() if line["message"] == "listening"]
        self.ports = {}
        for (protocol, tls), line in zip(self.listeners, lines, strict=True):
            assert line["protocol"] == protocol
            self.ports[protocol, tls] = int(line["address"].rsplit(":", 1)[1])

    def spawn(self, command, **streams):
        process = subprocess.Popen(command, **streams)
        self.processes.append(process)
        return process

    def environment(self):
        """What saslgate and the commands that talk to it find: state of their own, none of the person's."""
        state = self.path / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        return os.environ | {"STATE_DIRECTORY": str(state)}

    def write_configuration(self, told):
        (self.path / "saslgate.toml").write_text(self.configuration(told))

    def configuration(self, told):
        text = self.surroundings(told) + (
            f'[app]\npreset = "simulator"\ntenant = "{told["tenant"]}"\nclient_id = "{told["client_id"]}"\n'
            f'client_secret_file = "secret"\nscope = "https://outlook.office365.com/.default"\ngrant = "client_credentials"\n'
        )
        # A proof uses few mailboxes for many sessions; how long those wait for each other is a proof of its own.
        places = "[limits]\nsmtp_per_mailbox = 6000\nimap_per_mailbox = 6000\n"
        more = self.more.replace("[limits]\n", places) if "[limits]\n" in self.more else self.more + "\n" + places
        text += more + "\n" + "\n".join(self.accounts)
        for protocol, tls in self.listeners:
            text += f'\n[[listener]]\nprotocol = "{protocol}"\nbind = "127.0.0.1:0"\ntls = "{tls}"\n'
            if tls != "off":
                text += 'certificate = "tls/server.pem"\nkey = "tls/server.key"\n'
            text += self.at_listeners
        return text

    def surroundings(self, told):
        """Everything but apps, accounts and listeners."""
        port = lambda name: told[name].rsplit(":", 1)[1]
        return (
            f'[upstream]\nca_file = "ca.pem"\nproxy = "none"\n[log]\nformat = "json"\nlevel = "info,saslgate::token=debug"\n'
            f'[provider.simulator]\ntoken_url = "{told["entra"]}/{{tenant}}/oauth2/v2.0/token"\n'
            f'imap = "localhost:{port("imap")}"\npop3 = "localhost:{port("pop3")}"\nsmtp = "localhost:{port("smtp")}"\n'
            f'tls = {{ imap = "implicit", pop3 = "implicit", smtp = "starttls" }}\n'
        )

    def log(self):
        """What saslgate logged so far."""
        lines = (self.path / "log").read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def wait_for(self, message):
        until = time.monotonic() + 60
        while not any(line.get("message") == message for line in self.log()):
            if self.saslgate.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"saslgate did not say {message!r}: " + (self.path / "log").read_text()[-2000:])
            time.sleep(0.02)

    def token_requests(self):
        return sum(bool(TOKEN_REQUEST.search(line.get("message", ""))) for line in self.log())

    def pid(self):
        """saslgate's own, also under a prefix such as strace."""
        if not self.prefix:
            return self.saslgate.pid
        children = pathlib.Path(f"/proc/{self.saslgate.pid}/task/{self.saslgate.pid}/children").read_text().split()
        return int(children[0]) if children else self.saslgate.pid

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid()}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid()}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        if self.prefix and hasattr(self, "saslgate") and self.saslgate.poll() is None:
            # Under strace the signal below would reach strace alone.
            os.kill(self.pid(), signal.SIGINT)
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.folder.cleanup()


class Verdict:
    """The figures of a proof, and whether all of them reach their bar."""

    def __init__(self):
        self.missed = 0
        self.seen = 0

    def figure(self, name, value, bar, good):
        self.seen += 1
        self.missed += not good
        print(f"{'ok  ' if good else 'MISS'} {name}: {value} (bar: {bar})", flush=True)

    def note(self, name, value):
        print(f"     {name}: {value}", flush=True)

    def exit(self, expected):
        """Ends the program. `expected`: how many figures there have to be, so that none is left out unseen."""
        if self.seen != expected:
            print(f"MISS {self.seen} figures instead of {expected}")
        sys.exit(int(self.missed > 0 or self.seen != expected))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Conversation:
    """One mail client's connection."""

    def __init__(self, protocol, reader, writer):
        self.protocol, self.reader, self.writer = protocol, reader, writer

    @classmethod
    async def open(cls, protocol, port, source="127.0.0.1", tls=None):
        """Connects and reads the greeting."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), ssl=tls)
        self = cls(protocol, reader, writer)
        self.greeting = await self.line()
        return self

    async def line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError(f"closed within {line!r}")
        return line

    async def say(self, line):
        self.writer.write(line + b"\r\n")
        await self.writer.drain()

    async def reply(self):
        """The last line of the reply to one command (the tagged one in IMAP)."""
        while True:
            line = await self.line()
            if self.protocol == "imap" and line.startswith(b"* ") and not line.startswith(b"* BYE"):
                continue
            if self.protocol == "smtp" and line[3:4] == b"-":
                continue
            return line

    async def ask(self, line):
        await self.say(line)
        return await self.reply()

    async def hello(self):
        """What a mail client says before its login; the reply, where there is something to say."""
        if self.protocol == "smtp":
            return await self.ask(b"EHLO client.example")
        return None

    async def login(self, user, password):
        """Tries a login; the reply."""
        user, password = user.encode(), password.encode()
        if self.protocol == "imap":
            return await self.ask(b'a1 LOGIN "' + user + b'" "' + password + b'"')
        if self.protocol == "pop3":
            reply = await self.ask(b"USER " + user)
            return await self.ask(b"PASS " + password) if is_ok(reply) else reply
        return await self.ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password))

    async def noop(self):
        return await self.ask({"imap": b"n NOOP", "pop3": b"NOOP", "smtp": b"NOOP"}[self.protocol])

    async def leave(self):
        """Says goodbye and waits until the other side has closed."""
        await self.ask({"imap": b"z LOGOUT", "pop3": b"QUIT", "smtp": b"QUIT"}[self.protocol])
        while await self.reader.read(4096):
            pass
        self.close()

    def close(self):
        self.writer.close()


def is_ok(reply):
    return reply.startswith((b"a1 OK", b"n OK", b"+OK", b"235", b"250"))


def is_wrong_password(reply):
    return b"User name or password refused" in reply


def is_limit(reply):
    return b"Too many connections or logins" in reply


async def log_in(protocol, port, user, password, source="127.0.0.1", tls=None):
    """A whole login that has to succeed; the conversation and the seconds from connect to OK."""
    begun = time.monotonic()
    conversation = await Conversation.open(protocol, port, source, tls)
    await conversation.hello()
    reply = await conversation.login(user, password)
    if not is_ok(reply):
        conversation.close()
        raise PermissionError(reply)
    return conversation, time.monotonic() - begun
