"""Client × protocol × TLS mode: what is tried, what came of it, and what `matrix.toml` says should."""

import shutil
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import clients
import errand
from door import MODES, PROTOCOLS, Letter
from messages import digests, letter, mailbox

EXPECTED = Path(__file__).parent / "matrix.toml"
# The slowest needs about 10 s for all the mail on a quiet machine.
DEADLINE = 120
# How often a cell is tried when the client stumbles over its own feet.
TRIES = 3
WIDTH = {"passed": "ok", "failed": "FAIL", "empty": "–"}


@dataclass
class Cell:
    """One client at one door, and how it went: `passed`, `failed` or `empty` (nothing to try)."""

    client: object
    protocol: str
    mode: str
    state: str = "empty"
    why: str = ""

    @property
    def name(self):
        return f"{self.client.name}-{self.protocol}-{self.mode}"


class Matrix:
    """`doors[protocol, mode]` is where each cell goes; `sink` is where sent messages arrive."""

    def __init__(self, folder, doors, sink, sender, say):
        self.folder, self.doors, self.sink, self.sender, self.say = folder, doors, sink, sender, say
        self.shown = mailbox()

    def run(self, chosen, workers):
        """Tries every cell of the chosen clients and returns all of them."""
        cells = [Cell(client, protocol, mode) for client in chosen for protocol in PROTOCOLS for mode in MODES]
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(self.attempt, cells))
        return cells

    def attempt(self, cell):
        """One cell, in a home of its own, which is removed when it passed: the big message is in it."""
        home = self.folder / cell.name
        for again in range(TRIES):
            home.mkdir()
            self.attempt_once(cell, home)
            if again == TRIES - 1 or not stumbled(cell, home):
                break
            self.say(f"again {cell.name}: {cell.client.own_fault[1]}")
            shutil.rmtree(home)
        if cell.state != "empty":
            self.say(f"{WIDTH[cell.state]:5} {cell.name} {cell.why}")
        if cell.state != "failed":
            shutil.rmtree(home)

    def attempt_once(self, cell, home):
        """One try; a problem of this harness fails the cell, too."""
        cell.state, cell.why = "empty", ""
        try:
            (self.send if cell.protocol == "smtp" else self.fetch)(cell, home)
        except Exception as problem:
            cell.state, cell.why = "failed", f"{type(problem).__name__}: {problem}"

    def fetch(self, cell, home):
        """Fetches all and compares checksums."""
        job = cell.client.fetch(self.doors[cell.protocol, cell.mode], home)
        if job and self.succeeded(cell, job, home):
            got = [cell.client.compare(cell.protocol, message) for message in job.collect(home)]
            want = [cell.client.keeps(cell.protocol, message) for message in self.shown]
            self.judge(cell, home, want, got)

    def send(self, cell, home):
        """Sends one and compares what came to the sink."""
        recipient = f"{cell.name}@example.org"
        message = letter(cell.name, self.sender, recipient)
        sheet = Letter(self.sender, recipient, f"letter {cell.name}", home / "letter.crlf", home / "letter.eml")
        sheet.crlf.write_bytes(message)
        sheet.lf.write_bytes(message.replace(b"\r\n", b"\n"))
        job = cell.client.send(self.doors[cell.protocol, cell.mode], sheet, home)
        if job and self.succeeded(cell, job, home):
            got = [cell.client.arrived(without_received(one)) for one in self.sink.take(recipient)]
            self.judge(cell, home, [cell.client.sends(message)], got)

    def succeeded(self, cell, job, home):
        """Runs the client; a failure leaves its output for a person to read."""
        ran = errand.run(job, home, DEADLINE)
        if ran.exit == 0:
            return True
        (home / "output").write_bytes(ran.output)
        cell.state, cell.why = "failed", f"exit {ran.exit}: {' | '.join(ran.text()[-4:])[-400:]}"
        return False

    def judge(self, cell, home, want, got):
        """Equal, or the files of both sides beside each other."""
        if digests(want) == digests(got):
            cell.state = "passed"
            return
        cell.state, cell.why = "failed", f"{len(want)} messages shown, {len(got)} stored; see {home}"
        for name, side in (("want", want), ("got", got)):
            for number, message in enumerate(sorted(side, key=len)):
                (home / f"{number}.{name}").write_bytes(message)


def stumbled(cell, home):
    """Whether the cell failed by the client's own known fault."""
    output = home / "output"
    if cell.state != "failed" or not cell.client.own_fault or not output.exists():
        return False
    return cell.client.own_fault[0].encode() in output.read_bytes()


def without_received(message):
    """Without the one header that Dovecot puts in front (RFC 5321 section 4.4)."""
    lines = message.split(b"\r\n")
    if not lines[0].startswith(b"Received: "):
        raise ValueError(f"no Received header from upstream: {lines[0]!r}")
    after = next(number for number, line in enumerate(lines[1:], 1) if not line.startswith(b"\t"))
    return b"\r\n".join(lines[after:])


def deviations(cells):
    """Where the run and `matrix.toml` disagree, either way; and rows of the file that nobody ran."""
    table = tomllib.loads(EXPECTED.read_text())
    found = []
    for cell in cells:
        row = table.get(cell.client.name, {})
        wanted = cell.mode in row.get(cell.protocol, [])
        if wanted and cell.state != "passed":
            found.append(f"{cell.name}: {cell.state}, should pass. {cell.why}")
        elif not wanted and cell.state != "empty":
            found.append(f"{cell.name}: {cell.state}, but matrix.toml says it is not tried")
        elif not wanted and not reason(row, cell):
            found.append(f"{cell.name}: empty without a reason in matrix.toml")
    return found


def strangers(chosen):
    """Rows of `matrix.toml` for clients that do not exist."""
    return sorted(set(tomllib.loads(EXPECTED.read_text())) - {client.name for client in chosen})


def reason(row, cell):
    """Why a cell is empty: for the protocol as a whole or for one mode."""
    why = row.get("empty", {}).get(cell.protocol, "")
    return why.get(cell.mode, "") if isinstance(why, dict) else why


def table(cells):
    """The matrix for a person: one row per client, three modes per protocol, then the reasons."""
    rows = {}
    for cell in cells:
        rows.setdefault(cell.client.name, {})[cell.protocol, cell.mode] = cell
    expected = tomllib.loads(EXPECTED.read_text())
    lines = [f"{'':16}" + "".join(f"{protocol.upper():24}" for protocol in PROTOCOLS)]
    lines.append(f"{'client':16}" + "".join(f"{mode[:7]:8}" for _ in PROTOCOLS for mode in ("plain", "STARTTLS", "TLS")))
    notes = []
    for name, row in rows.items():
        lines.append(f"{name:16}" + "".join(f"{WIDTH[row[p, m].state]:8}" for p in PROTOCOLS for m in MODES).rstrip())
        for protocol, why in expected.get(name, {}).get("empty", {}).items():
            for mode, text in why.items() if isinstance(why, dict) else [("", why)]:
                notes.append(f"  {name} {protocol} {mode}".rstrip() + f": {text}")
    return lines + ["", "Empty cells:"] + notes


def by_name(names):
    """The clients asked for, or all."""
    known = {client.name: client for client in clients.ALL}
    return [known[name] for name in names] if names else list(clients.ALL)
