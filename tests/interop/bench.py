"""The servers of one run, and the doors that they offer."""

import json
import os
import re
from contextlib import ExitStack

import certificates
import gate
import notices
import refusals
from door import MODES, PROTOCOLS, Door
from dovecot import Dovecot
from introduction import introduce
from matrix import Matrix
from messages import deliver, mailbox
from process import free_ports
from simulator import DOMAIN, Simulator
from sink import Sink

USER = f"support@{DOMAIN}"
# Everything that has broken a parser of LOGIN: a space, a quote, a backslash, something like a literal.
# No single quote, which mutt has no way to write.
PASSWORD = 'se cret"\\{5}x'
# A login with a password or without TLS, and anything that goes wrong in Dovecot itself.
UNWANTED = re.compile(r"Login: .*(?:method=(?!XOAUTH2|OAUTHBEARER)|(?<!TLS), session=)|Error:|Fatal:|Panic:")
SERVICE = {"imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s"), "smtp": ("submission", "submissions")}


class Direct:
    """Clients against Dovecot itself, with a password: shows that a failure elsewhere is the gate's."""

    def __init__(self, folder, program=None):
        self.folder, self.program = folder, program
        self.certificates = certificates.make(folder / "certificates")
        # What runs, so that `end` ends it even when the start of something else failed.
        self.running = ExitStack()

    def start(self):
        """Starts every server; `end` is needed afterwards whether or not this succeeds."""
        self.sink = Sink()
        self.running.callback(self.sink.shutdown)
        self.upstream = Dovecot(self.folder / "dovecot", self.certificates, self.sink, [USER], password=PASSWORD)
        deliver(mailbox(), self.upstream.maildir(USER))
        self.running.callback(self.upstream.end)
        self.upstream.start()

    def doors(self):
        """Dovecot's own ports: plain and STARTTLS share one."""
        ports = {(p, m): self.upstream.ports[SERVICE[p][m == "implicit"]] for p in PROTOCOLS for m in MODES}
        return {at: Door(*at, port, USER, PASSWORD, self.certificates / "ca.pem") for at, port in ports.items()}

    def matrix(self, chosen, jobs, say):
        """Every cell of the chosen clients."""
        cells = self.folder / "cells"
        cells.mkdir()
        return Matrix(cells, self.doors(), self.sink, USER, say).run(chosen, jobs)

    def refusals(self, _chosen, _jobs, _say):
        """Nobody refuses here."""
        return []

    def notices(self, _chosen, _jobs, _say):
        """Nobody has anything to say here."""
        return []

    def problems(self):
        """What the servers have to complain of."""
        return []

    def end(self):
        """Stops what runs."""
        self.running.close()


# A mailbox for each TLS mode, so that each has its own account, password and way upstream.
MAILBOXES = {"plain": USER, "starttls": f"desk@{DOMAIN}", "implicit": f"sales@{DOMAIN}"}
APPS = """
[app.implicit]
preset = "dovecot"
{same}
[app.starttls]
preset = "dovecot-starttls"
{same}
[provider.dovecot]
token_url = "{token_url}"
imap = "localhost:{imaps}"
pop3 = "localhost:{pop3s}"
smtp = "localhost:{submissions}"
tls = "implicit"
[provider.dovecot-starttls]
token_url = "{token_url}"
imap = "localhost:{imap}"
pop3 = "localhost:{pop3}"
smtp = "localhost:{submission}"
tls = "starttls"
mechanism = "oauthbearer"
[upstream]
ca_file = "{ca}"
[log]
format = "json"
"""
SAME = """grant = "client_credentials"
tenant = "{tenant}"
client_id = "{client_id}"
client_secret_file = "{folder}/secret"
scope = "https://outlook.office365.com/.default"
"""
# The accounts that meet refusals. Dovecot has no mailbox in example.org, which is not the token's domain either.
REFUSING = """
[app.down]
preset = "down"
{same}
[provider.down]
token_url = "https://localhost:{dead}/{{tenant}}/token"
imap = "localhost:{imaps}"
pop3 = "localhost:{pop3s}"
smtp = "localhost:{submissions}"
tls = "implicit"
[[account]]
login = "known@example.org"
password = "{password}"
app = "implicit"
[[account]]
login = "refused@example.org"
password = "{password}"
app = "starttls"
[[account]]
login = "down@example.org"
password = "{password}"
app = "down"
"""


class Proxied(Direct):
    """Clients against saslgate, and saslgate against Dovecot with tokens of the simulator."""

    def start(self):
        self.sink = Sink()
        self.running.callback(self.sink.shutdown)
        self.simulator = Simulator(self.program, self.folder)
        self.running.callback(self.simulator.end)
        self.upstream = self.dovecot()
        self.running.callback(self.upstream.end)
        self.upstream.start()
        self.passwords = {"plain": (PASSWORD, gate.chosen(self.program, PASSWORD))}
        self.passwords |= {mode: gate.generated(self.program) for mode in MODES if mode != "plain"}
        self.gate = gate.Gate(self.program, self.folder / "gate", self.certificates, self.apps() + self.accounts())
        self.running.callback(self.gate.end)
        self.gate.start()
        introduce(self.doors())

    def dovecot(self):
        """Dovecot with the same mail in every mailbox, not yet started."""
        upstream = Dovecot(
            self.folder / "dovecot", self.certificates, self.sink, MAILBOXES.values(),
            introspection_url=self.simulator.introspection_url, introspection_ca=self.simulator.ca,
        )
        first, *others = (upstream.maildir(mailbox) for mailbox in MAILBOXES.values())
        deliver(mailbox(), first)
        for other in others:
            for place in ("cur", "new", "tmp"):
                (other / place).mkdir(parents=True)
            for message in (first / "cur").iterdir():
                os.link(message, other / "cur" / message.name)
        return upstream

    def apps(self):
        """Both ways upstream, and the log in a form that can be counted."""
        facts = self.simulator.facts
        (self.folder / "secret").write_text(facts["client_secret"])
        (self.folder / "secret").chmod(0o600)
        trusted = self.folder / "upstream-ca.pem"
        trusted.write_text(facts["ca"] + (self.certificates / "ca.pem").read_text())
        return APPS.format(same=self.same(), token_url=self.simulator.token_url, ca=trusted, **self.upstream.ports)

    def same(self):
        """What every app has."""
        facts = self.simulator.facts
        return SAME.format(tenant=facts["tenant"], client_id=facts["client_id"], folder=self.folder)

    def accounts(self):
        """An account for each TLS mode."""
        return "".join(
            f'[[account]]\nlogin = "{mailbox}"\npassword = "{self.passwords[mode][1]}"\n'
            f'app = "{"starttls" if mode == "starttls" else "implicit"}"\n'
            for mode, mailbox in MAILBOXES.items()
        )

    def doors(self):
        """Every listener, with the account of its TLS mode."""
        at = [(protocol, mode) for protocol in PROTOCOLS for mode in MODES]
        return {(p, m): self.gate.door(p, m, MAILBOXES[m], self.passwords[m][0]) for p, m in at}

    def refusals(self, chosen, jobs, say):
        """Every refusal for the chosen clients."""
        folder = self.folder / "refusals"
        folder.mkdir()
        password, digest = self.passwords["implicit"]
        settings = self.apps() + REFUSING.format(
            same=self.same(), password=digest, dead=free_ports(1)[0], **self.upstream.ports
        )
        return refusals.Table(folder, self.program, self.certificates, settings, password, self.sink, say).run(chosen, jobs)

    def notices(self, chosen, jobs, say):
        """Which of the chosen clients a notice harms."""
        folder = self.folder / "notices"
        folder.mkdir()
        password, digest = self.passwords["implicit"]
        settings = self.apps() + notices.NOTIFYING.format(user=USER, password=digest, **self.upstream.ports)
        return notices.Notices(folder, self.program, self.certificates, settings, USER, password, say).problems(chosen, jobs)

    def problems(self):
        """What the matrix alone does not show: how Dovecot was spoken to, and what the log says."""
        found = [f"Dovecot logged: {line}" for line in self.upstream.log().splitlines() if UNWANTED.search(line)]
        log = self.gate.log.read_text()
        secrets = [self.simulator.facts["client_secret"], *(password for password, _ in self.passwords.values())]
        found += ["a secret is in saslgate's log" for secret in secrets if secret in log or json.dumps(secret)[1:-1] in log]
        if left := {m: left for m in MAILBOXES.values() if (left := self.upstream.count(m)) != len(mailbox())}:
            found.append(f"messages left upstream: {left}")
        if code := self.gate.end():
            found.append(f"saslgate ended with {code}")
        return found
