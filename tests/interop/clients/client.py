"""What the harness asks of each mail client."""

from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"


class Client:
    """A mail client. `fetch` and `send` prepare its files in `home` and return the errand, or None where
    the client, or this protocol or TLS mode in it, does not exist."""

    name = ""
    # Debian 12 packages.
    packages = ()
    # Whether fetching happens on a screen that stays until somebody leaves it, as the pushed keys do.
    on_screen = False
    # A failure that is this client's own, whatever server it talks to: what it then says, and why it happens. It is tried
    # again, and reported.
    own_fault = None
    # Refusals, with the protocol, whose last words depend on which of the client's threads is first.
    racing = frozenset()

    def fetch(self, door, home):
        """Fetches every message over IMAP or POP3 and leaves them in the mailbox."""
        return None

    def send(self, door, letter, home):
        """Sends one message over SMTP."""
        return None

    def keeps(self, protocol, message):
        """What this client stores for a message that was shown to it: the same, unless it says otherwise."""
        return message

    def compare(self, protocol, stored):
        """What is compared of a stored message: all of it, unless this client adds something."""
        return stored

    def sends(self, message):
        """What this client transmits for a letter: the same, unless it says otherwise."""
        return message

    def arrived(self, message):
        """What is compared of the message that arrived: all of it, unless this client adds something."""
        return message


def with_lf(message):
    """LF line ends, as most clients store mail on Unix; a CR elsewhere is part of the text."""
    return message.replace(b"\r\n", b"\n")


def without_header(message, *names):
    """Without some header lines, and their continuations, that the client added."""
    end = b"\r\n" if b"\r\n" in message.partition(b"\n\n")[0] else b"\n"
    head, blank, body = message.partition(end + end)
    kept, dropping = [], False
    for line in head.split(end):
        if not line[:1].isspace():
            dropping = line.partition(b":")[0].lower().decode("latin-1") in names
        if not dropping:
            kept.append(line)
    return end.join(kept) + blank + body


def secret_file(path, text):
    """Writes a file that only its owner reads: several clients refuse any other."""
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def delivery_agent(home):
    """A program that writes its input into a new file in `got/`."""
    (home / "got").mkdir()
    agent = home / "deliver"
    agent.write_text(f'#!/bin/sh\nexec cat > "$(mktemp {home}/got/XXXXXXXX)"\n')
    agent.chmod(0o700)
    return agent


def quoted(text):
    """In double quotes, with backslash as the escape: curl, mutt, fetchmail, mbsync, msmtp."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
