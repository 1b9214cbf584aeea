"""Grant × proof of the app, each with an authorization server that others wrote, until a mail client has read mail."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import authorization_server
import certificates
import conversations
import gate
from authorization_server import AuthorizationServer
from dovecot import Dovecot
from login import Login
from matrix import WIDTH
from messages import deliver, headed
from registration import GRANT_TYPES, METHODS, Registration
from sink import Sink

EXPECTED = Path(__file__).parent / "grants.toml"
PROOFS = (*METHODS, "federated")
PACKAGES = ("curl",)
# They mostly wait: for the pace that a device code has, or for a token's life.
AT_ONCE = 12


@dataclass
class Cell:
    """One grant with one proof, or a conversation of its own; `passed`, `failed` or `empty`."""

    name: str
    grant: str
    proof: str
    talk: object = None
    state: str = "empty"
    why: str = ""

    def registration(self):
        """What stands for it at the server."""
        return Registration(self.name, self.grant, self.proof, self.talk is conversations.rotation)


def cells():
    """Every cell: the table's, and the conversations that no grant and proof tell apart."""
    grants = tomllib.loads(EXPECTED.read_text())
    table = [Cell(f"{grant}-{proof}", grant, proof) for grant in grants for proof in PROOFS]
    for cell in table:
        if cell.proof in METHODS and cell.grant in GRANT_TYPES and cell.proof in grants[cell.grant].get("passed", ()):
            cell.talk = conversations.OF_GRANTS[cell.grant]
    return table + [Cell(talk.__name__, grant, proof, talk) for talk, grant, proof in conversations.OTHERS]


class Grants:
    """The servers of the table."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program
        self.running = ExitStack()
        self.cells = cells()

    def start(self, may_install):
        """Starts every server; `end` is needed afterwards whether or not this succeeds."""
        authorization_server.install(may_install)
        self.folder.mkdir()
        self.certificates = certificates.make(self.folder / "certificates")
        certificates.make_for_app(self.certificates)
        registrations = [cell.registration() for cell in self.cells if cell.talk]
        people = conversations.people(registrations)
        self.registrations = {one.name: one for one in registrations}
        self.server = AuthorizationServer(self.folder / "server", self.certificates, registrations, people)
        self.running.callback(self.server.end)
        self.server.start()
        self.password = gate.generated(self.program)
        self.start_upstream(registrations)

    def start_upstream(self, registrations):
        """Dovecot with a mailbox for each app, and one message in it."""
        sink = Sink()
        self.running.callback(sink.shutdown)
        self.upstream = Dovecot(
            self.folder / "dovecot", self.certificates, sink, [one.mailbox for one in registrations],
            introspection_url=self.server.introspection_url, introspection_ca=self.certificates / "ca.pem", opens="%Lu",
        )
        for one in registrations:
            deliver([headed(one.mailbox, "text/plain", b"Hello.\r\n")], self.upstream.maildir(one.mailbox))
        self.running.callback(self.upstream.end)
        self.upstream.start()

    def run(self, say):
        """Tries every cell and returns all of them."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # What takes longest first.
            list(pool.map(lambda cell: self.attempt(cell, say), sorted(self.cells, key=conversations.takes_long)))
        return self.cells

    def attempt(self, cell, say):
        """One cell, with a saslgate of its own."""
        if not cell.talk:
            return
        imaps = self.upstream.ports["imaps"]
        try:
            login = Login(
                self.registrations[cell.name], self.program, self.folder / cell.name, self.certificates, self.server, imaps, self.password
            )
            login.start()
            try:
                cell.talk(login, self.server)
            finally:
                login.end()
            cell.state = "passed"
        except Exception as problem:
            cell.state, cell.why = "failed", f"{type(problem).__name__}: {problem}"
        say(f"{WIDTH[cell.state]:5} {cell.name} {cell.why}")

    def problems(self):
        """What the cells alone do not show."""
        found = [f"oidc-provider has a fault: {line}" for line in self.server.faults()]
        for name, registration in self.registrations.items():
            log = self.folder / name / "gate/log"
            text = log.read_text() if log.exists() else ""
            if registration.secret in text or self.password[0] in text:
                found.append(f"{name}: a secret is in saslgate's log")
        return found

    def end(self):
        """Stops what runs."""
        self.running.close()


def deviations(tried):
    """Where the run and `grants.toml` disagree, and cells that are empty without a reason."""
    expected, found = tomllib.loads(EXPECTED.read_text()), []
    for cell in tried:
        wanted = cell.proof in expected[cell.grant].get("passed", ())
        if cell.state == "failed" or (wanted and cell.state != "passed"):
            found.append(f"{cell.name}: {cell.state}, should pass. {cell.why}")
        elif cell.state == "empty" and not reason(expected[cell.grant], cell.proof):
            found.append(f"{cell.name}: empty without a reason in grants.toml")
    return found


def reason(row, proof):
    """Why a cell is empty: for the grant as a whole or for one proof."""
    why = row.get("empty", "")
    return why.get(proof, "") if isinstance(why, dict) else why


def table(tried):
    """The table for a person: one row per grant, then the reasons, then the conversations."""
    at = {cell.name: cell for cell in tried}
    lines, notes = [f"{'with oidc-provider':20}" + "".join(f"{proof:14}" for proof in PROOFS).rstrip()], []
    for grant, row in tomllib.loads(EXPECTED.read_text()).items():
        shown = [WIDTH[at.pop(f"{grant}-{proof}").state] for proof in PROOFS]
        lines.append(f"{grant:20}" + "".join(f"{state:14}" for state in shown).rstrip())
        empty = row.get("empty", {})
        for proof, why in empty.items() if isinstance(empty, dict) else [("", empty)]:
            notes.append(f"  – {' '.join(filter(None, (grant, proof)))}: {why}")
    talks = [f"{cell.name:20}{WIDTH[cell.state]:6}{cell.talk.__doc__}" for cell in at.values()]
    return [*lines, *notes, "", *talks]
