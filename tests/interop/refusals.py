"""Client × refusal: what each mail client does when it is told no, measured and held against `refusals.md`."""

import re
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import errand
from door import PROTOCOLS, Door, Letter
from gate import Gate
from hold import Hold
from messages import letter

EXPECTED = Path(__file__).parent / "refusals.md"
# A refusal takes seconds at most, the growing pause after a wrong password among them; a client that goes
# on for longer would go on for ever.
DEADLINE = 40
BODY = b"filler line"


@dataclass(frozen=True)
class Refusal:
    """How a client comes to meet it. `sentence` is what saslgate says, in every protocol."""

    name: str
    when: str
    sentence: str
    account: str = "known"
    password: str = ""
    tls: str = "plain"
    limits: str = ""


ALL = (
    Refusal("wrong password", "The local password is wrong.", "User name or password refused by saslgate.", password="wrong"),
    Refusal(
        "token refused", "The mail server refuses the token for this mailbox; only an administrator can help.",
        "Login is right, but the mailbox can't be opened: ask the administrator of saslgate.", account="refused",
    ),
    Refusal(
        "no token", "The token endpoint can't be reached.",
        "The mail provider can't be reached at the moment, try again later.", account="down",
    ),
    Refusal("TLS required", "The client does not use TLS and the listener wants STARTTLS.", "TLS is required before a login.", tls="starttls"),
    Refusal(
        "limit", "There are as many connections as there may be: the greeting says no.",
        "Too many connections or logins, try again later.", limits="[limits]\nconnections = 1\n",
    ),
    Refusal(
        "shutting down", "saslgate is stopped when the client is about to log in, and nobody listens after that.",
        "saslgate is restarting, try again in a moment.",
    ),
)

COMPLAINT = re.compile(r"fail|error|exception|refus|denied|can.t|could not|unable|no auth|not ", re.IGNORECASE)
# Lines of a stack trace, and Postfix saying that it is not up yet.
NOISE = re.compile(r"^(at |File |raise |\.\.\. |\^|postdrop: )")
# c-client shows 80 characters of a reply, which may end within the id.
SESSION = re.compile(r"\(session \w+\)?|\(s(ession|essio|essi|ess|es|e)?$")
HEADER = ("client", "protocol", "exit", "connections", "logins", "then", "last words")


@dataclass
class Row:
    """What one client did."""

    refusal: Refusal
    client: str
    protocol: str
    cells: tuple

    @property
    def line(self):
        return "| " + " | ".join((self.client, self.protocol, *self.cells)) + " |"


class Table:
    """Runs every client into every refusal, each with a saslgate of its own, so that its log tells what it did."""

    def __init__(self, folder, program, certificates, settings, password, sink, say):
        self.folder, self.program, self.certificates = folder, program, certificates
        self.settings, self.password, self.sink, self.say = settings, password, sink, say

    def run(self, chosen, jobs):
        """All rows, in the order of the page."""
        wanted = [(refusal, client, protocol) for refusal in ALL for client in chosen for protocol in PROTOCOLS]
        with ThreadPoolExecutor(jobs) as pool:
            return [row for row in pool.map(lambda one: self.meet(*one), wanted) if row]

    def meet(self, refusal, client, protocol):
        """One client, one refusal; None where the client does not speak the protocol without TLS."""
        home = self.folder / f"{refusal.name} {client.name} {protocol}".replace(" ", "-").lower()
        home.mkdir()
        (home / "home").mkdir()
        gate = Gate(self.program, home / "gate", self.certificates, self.settings + refusal.limits, [(protocol, refusal.tls)])
        (port,) = gate.ports.values()
        hold = Hold(port, lambda: gate.process.terminate()) if refusal.name == "shutting down" else None
        at = Door(
            protocol, "plain", hold.port if hold else port, f"{refusal.account}@example.org",
            refusal.password or self.password, self.certificates / "ca.pem",
        )
        job = prepare(client, at, home / "home")
        if not job:
            shutil.rmtree(home)
            return None
        ran = self.play(refusal, gate, port, job, home / "home")
        if hold:
            hold.close()
        connections = hold.connections if hold else count(refusal, gate)
        row = Row(refusal, client.name, protocol, observed(refusal, client, at, gate, connections, ran, home / "home"))
        self.say(f"{refusal.name}: {row.line}")
        if self.sink.take(recipient(client)):
            raise AssertionError(f"{home.name}: refused, and yet a message arrived")
        shutil.rmtree(home)
        return row

    def play(self, refusal, gate, port, job, home):
        """Sets the scene, runs the client, and ends saslgate so that its log is complete."""
        gate.start()
        parked = None
        if refusal.name == "limit":
            parked = socket.create_connection(("127.0.0.1", port))
            # The greeting says that the only place is taken.
            parked.recv(100)
        try:
            return errand.run(job, home, DEADLINE)
        finally:
            gate.end()
            if parked:
                parked.close()


def recipient(client):
    """Who must not get anything."""
    return f"refused-{client.name}@example.org"


def prepare(client, at, home):
    """The errand of the matrix, for a client without TLS."""
    if at.protocol != "smtp":
        return client.fetch(at, home)
    text = letter("refused", "support@example.org", recipient(client))
    sheet = Letter("support@example.org", recipient(client), "letter refused", home / "letter.crlf", home / "letter.eml")
    sheet.crlf.write_bytes(text)
    sheet.lf.write_bytes(text.replace(b"\r\n", b"\n"))
    return client.send(at, sheet, home)


def count(refusal, gate):
    """The client's connections, by the log; at the limit one is ours."""
    return gate.count("session_without_login") - (refusal.name == "limit")


def observed(refusal, client, at, gate, connections, ran, home):
    """The cells of a row."""
    logins = gate.count("login_refused")
    exit_code = "–" if ran.exit is None else str(ran.exit)
    racing = (refusal.name, at.protocol) in client.racing
    words = "(as its threads race)" if racing else last_words(refusal, at, ran, home)
    return exit_code, str(connections), str(logins), then(client, at.protocol, ran, home), words


def then(client, protocol, ran, home):
    """What comes next: a question, waiting, or the end; and where the message is."""
    if ran.asked:
        does = "asks for the password"
    elif ran.exit is None:
        does = "goes on"
    elif client.on_screen and protocol != "smtp":
        does = "stays open"
    else:
        does = "ends as if all were well" if ran.exit == 0 else "ends"
    if protocol != "smtp":
        return does
    # Only a mail server says so; the bounce would go through the same gate, and ends nowhere.
    if b"status=bounced" in ran.output:
        return f"{does}; message returned to its sender"
    kept = sorted(
        path.relative_to(home).parts[0] for path in home.rglob("*")
        if path.is_file() and path.name not in ("letter.crlf", "letter.eml", "data") and BODY in path.read_bytes()
    )
    return f"{does}; message in {', '.join(kept)}" if kept else f"{does}; message left to the caller"


def last_words(refusal, at, ran, home):
    """The line in which it repeats what it was told, or else its last complaint; without what differs between runs."""
    lines = [line for line in (clean(line, at, home) for line in ran.text()) if not NOISE.match(line)]
    if told := [line for line in lines if refusal.sentence in line]:
        return f"**{told[-1]}**"
    return ([line for line in lines if COMPLAINT.search(line)] or lines or ["(nothing)"])[-1]


def clean(line, at, home):
    """Without ports, ids, times and paths; as one cell of a table."""
    line = line.replace(str(home), "~").replace(str(at.port), "PORT").replace(str(EXPECTED.parent), "…")
    line = SESSION.sub("(session …)", line)
    line = re.sub(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*|\b\d\d:\d\d:\d\d\b", "TIME", line)
    line = re.sub(r" \(errno: \d+\)", "", line)
    return line.replace("|", "\\|").replace("*", "\\*").strip()[:250]


def page(rows):
    """`refusals.md`."""
    lines = [
        "# What mail clients do when they are refused", "",
        "Made by `tests/interop/run --update`; the run fails when a client does anything else. Without TLS, on a",
        "pseudo-terminal where the client needs one and without any terminal otherwise, so that only the former can",
        "ask a person. **Bold** last words repeat saslgate's sentence, which a person or a log then shows. Exit codes",
        "from 64 are those of sysexits.h: 75 is a temporary failure, 77 is no permission. The run itself ends two that go",
        "on: mutt and neomutt fetch on a screen that stays open, and Postfix is stopped when the fate of the message is",
        "known (75: in the queue, 70: returned to its sender).",
    ]
    for refusal in ALL:
        lines += ["", f"## {refusal.name}", "", f"{refusal.when} Saslgate says: *{refusal.sentence}*", ""]
        lines += ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
        lines += [row.line for row in rows if row.refusal is refusal]
    return "\n".join(lines) + "\n"


def deviations(rows):
    """Rows that are not in the page as they are, and rows of these clients that are only in the page."""
    text = EXPECTED.read_text() if EXPECTED.exists() else ""
    expected, section = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| ") and not line.startswith(f"| {HEADER[0]} "):
            expected[(section, *line.split(" | ")[:2])] = line
    found = []
    for row in rows:
        line = expected.pop((row.refusal.name, f"| {row.client}", row.protocol), "nothing")
        if line != row.line:
            found.append(f"{row.refusal.name}:\n  expected {line}\n  measured {row.line}")
    ran = {f"| {row.client}" for row in rows}
    return found + [f"{key}: in refusals.md, but not measured" for key in expected if key[1] in ran]
