"""The servers of one run, and the doors that they offer."""

import certificates
from door import MODES, PROTOCOLS, Door
from dovecot import Dovecot
from matrix import Matrix
from messages import deliver, mailbox
from sink import Sink

USER = "support@contoso.com"
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
