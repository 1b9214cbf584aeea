"""What a mail client is told: where to connect, how, and with which password."""

from dataclasses import dataclass
from pathlib import Path

PROTOCOLS = ("imap", "pop3", "smtp")
MODES = ("plain", "starttls", "implicit")
# A name, not an address: certificates are checked against it.
HOST = "localhost"


@dataclass(frozen=True)
class Door:
    """One listener and one account's credentials."""

    protocol: str
    mode: str
    port: int
    user: str
    password: str
    ca: Path

    @property
    def scheme(self):
        """The URL scheme that curl, mutt and s-nail use for this protocol and mode."""
        return self.protocol + ("s" if self.mode == "implicit" else "")

    def environment(self):
        """The same facts for the scripts beside the clients: short-lived processes of ours."""
        return {
            "DOOR_PROTOCOL": self.protocol,
            "DOOR_MODE": self.mode,
            "DOOR_HOST": HOST,
            "DOOR_PORT": str(self.port),
            "DOOR_USER": self.user,
            "DOOR_PASSWORD": self.password,
            "DOOR_CA": str(self.ca),
        }


@dataclass(frozen=True)
class Letter:
    """One message to send: its envelope, and its bytes with CRLF and with LF line ends."""

    sender: str
    recipient: str
    subject: str
    crlf: Path
    lf: Path

    def environment(self):
        """The same facts for the scripts beside the clients."""
        return {
            "LETTER": str(self.crlf),
            "LETTER_FROM": self.sender,
            "LETTER_TO": self.recipient,
        }
