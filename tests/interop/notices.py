"""A notice in front of the yes to a login (RFC 3501 7.1, ALERT): every client that speaks IMAP reads its mail all the same."""

import smtplib
from concurrent.futures import ThreadPoolExecutor

from door import HOST
from gate import Gate
from matrix import Cell, Matrix

AT = ("imap", "plain")
# What saslgate's log says once it has told a client.
TOLD = "the mail client was asked for a sign-in"
# Mail is read by the app's own token and sent by a person's, who has not signed in: that is what the notice is about.
NOTIFYING = """
[app.people]
preset = "people"
grant = "authorization_code"
client_id = "people"
scope = "mail offline_access"
[provider.people]
token_url = "https://localhost:{submissions}/token"
authorize_url = "https://localhost:{submissions}/authorize"
smtp = "localhost:{submissions}"
tls = "implicit"
[[account]]
login = "{user}"
password = "{password}"
app = "implicit"
smtp.app = "people"
protocols = ["imap", "smtp"]
notify_in_client = true
[store]
path = "tokens"
[server]
control = "control/socket"
"""


class Notices:
    """Runs every client at a saslgate of its own, because an account is told once a day."""

    def __init__(self, folder, program, certificates, settings, user, password, say):
        self.folder, self.program, self.certificates, self.settings = folder, program, certificates, settings
        self.user, self.password, self.say = user, password, say

    def problems(self, chosen, jobs):
        """What deviates, for the clients that speak IMAP without TLS."""
        with ThreadPoolExecutor(jobs) as pool:
            return [found for found in pool.map(self.problem, chosen) if found]

    def problem(self, client):
        """One client; None where all is well, or there is nothing to try."""
        home = self.folder / client.name
        home.mkdir()
        gate = Gate(self.program, home / "gate", self.certificates, self.settings, [AT, ("smtp", "plain")])
        try:
            gate.start()
            self.fail_to_send(gate.ports["smtp", "plain"])
            cell = Cell(client, *AT)
            Matrix(home, {AT: gate.door(*AT, self.user, self.password)}, None, self.user, self.say).attempt(cell)
        finally:
            code = gate.end()
        told = gate.log.read_text().count(TOLD)
        if cell.state == "empty":
            return None
        if cell.state != "passed" or told != 1 or code:
            return f"notice: {cell.name}: {cell.state}, told {told} times, saslgate ended with {code}. {cell.why}"
        return None

    def fail_to_send(self, port):
        """By that saslgate learns that somebody has to sign in."""
        with smtplib.SMTP(HOST, port) as session:
            try:
                session.login(self.user, self.password)
            except smtplib.SMTPAuthenticationError as refused:
                if refused.smtp_code != 454:
                    raise
            else:
                raise AssertionError("nobody has signed in, and yet mail can be sent")
