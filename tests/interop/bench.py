"""The servers of one run, and the doors that they offer."""

import os

import certificates
import gate
from door import MODES, PROTOCOLS, Door
from dovecot import Dovecot
from matrix import Matrix
from messages import deliver, mailbox
from simulator import DOMAIN, Simulator
from sink import Sink

USER = f"support@{DOMAIN}"
# Everything that has broken a parser of LOGIN: a space, a quote, a backslash, something like a literal.
# No single quote, which mutt has no way to write.
PASSWORD = 'se cret"\\{5}x'
SERVICE = {"imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s"), "smtp": ("submission", "submissions")}


class Direct:
    """Clients against Dovecot itself, with a password: shows that a failure elsewhere is the gate's."""

    def __init__(self, folder):
        self.folder = folder
        self.certificates = certificates.make(folder / "certificates")
        self.sink = Sink()
        self.upstream = Dovecot(folder / "dovecot", self.certificates, self.sink, [USER], password=PASSWORD)
        deliver(mailbox(), self.upstream.maildir(USER))
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

    def problems(self):
        """What the servers have to complain of."""
        return []

    def end(self):
        """Stops what runs."""
        self.upstream.end()
        self.sink.shutdown()


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


class Proxied(Direct):
    """Clients against saslgate, and saslgate against Dovecot with tokens of the simulator."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program
        self.certificates = certificates.make(folder / "certificates")
        self.sink = Sink()
        self.simulator = Simulator(program, folder)
        self.upstream = self.dovecot()
        self.passwords = {"plain": (PASSWORD, gate.chosen(program, PASSWORD))}
        self.passwords |= {mode: gate.generated(program) for mode in MODES if mode != "plain"}
        self.gate = gate.Gate(program, folder / "gate", self.certificates, self.apps(), self.accounts()).start()

    def dovecot(self):
        """Dovecot with the same mail in every mailbox."""
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
        upstream.start()
        return upstream

    def apps(self):
        """Both ways upstream, and the log in a form that can be counted."""
        facts = self.simulator.facts
        (self.folder / "secret").write_text(facts["client_secret"])
        (self.folder / "secret").chmod(0o600)
        trusted = self.folder / "upstream-ca.pem"
        trusted.write_text(facts["ca"] + (self.certificates / "ca.pem").read_text())
        same = SAME.format(tenant=facts["tenant"], client_id=facts["client_id"], folder=self.folder)
        return APPS.format(same=same, token_url=self.simulator.token_url, ca=trusted, **self.upstream.ports)

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

    def end(self):
        self.gate.end()
        super().end()
        self.simulator.end()
