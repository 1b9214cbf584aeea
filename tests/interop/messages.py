"""The messages that are fetched and sent: each one a trap that some client or server has fallen into."""

import base64
import hashlib
import random
from pathlib import Path

BIG = 25 * 1024 * 1024


def mailbox():
    """Every message of the mailbox, with the line ends that IMAP and POP3 show (CRLF). No line is longer than
    the 2,048 octets that Python's poplib takes."""
    return [
        headed("plain", "text/plain; charset=us-ascii", b"Hello.\r\n"),
        headed("8-bit", "text/plain; charset=utf-8", "Grüße, κόσμε, 🙂\r\n".encode() + b"latin-1: \xe9\xff\r\n"),
        headed("dots", "text/plain", DOTS),
        headed("odd", "text/plain", b"tab\t \r\n \r\nlong " + b"x" * 2000 + b"\r\n\r\n\r\n"),
        headed("carriage", "text/plain", b"a lone\rcarriage return, two\r\r in a row, and\r\r\nbefore the end\r\n"),
        headed("empty", "text/plain", b""),
        headed("big", "application/octet-stream", big(BIG), "Content-Transfer-Encoding: base64\r\n"),
    ]


# A line of one dot ends DATA and a POP3 message; `From ` starts a message in an mbox file.
DOTS = b"..\r\n.\r\n.leading\r\n....\r\nFrom nobody Mon Jan  1 00:00:00 2024\r\n>From quoted\r\n. \r\n\r\n.\r\n"


def headed(subject, kind, body, more=""):
    """A message with the headers that no client has to add."""
    head = (
        "From: Alice <alice@example.org>\r\nTo: support@contoso.com\r\n"
        f"Subject: {subject}\r\nDate: Tue, 02 Jan 2024 03:04:05 +0000\r\n"
        f"Message-ID: <{subject}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n{more}\r\n"
    )
    return head.encode() + body


def big(size):
    """`size` bytes of base64 lines, the same in every run."""
    raw = random.Random(25).randbytes(size * 3 // 4)
    text = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    return text[: size - size % 78]


def letter(cell, sender, recipient):
    """A message to send: 8-bit text, leading dots, a line of 900 bytes. Unlike those of the mailbox it
    has no bare CR, which RFC 5321 section 2.3.8 forbids in a submission."""
    head = (
        f"From: Support <{sender}>\r\nTo: {recipient}\r\nSubject: letter {cell}\r\n"
        f"Date: Tue, 02 Jan 2024 03:04:05 +0000\r\nMessage-ID: <{cell}@interop.example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    body = "Grüße 🙂\r\n".encode() + DOTS + b"y" * 900 + b"\r\n" + b"filler line\r\n" * 4000 + b"end\r\n"
    return head.encode() + body


def deliver(messages, maildir):
    """Writes a Maildir as a delivery agent would; the caller gives it to the mail user."""
    for place in ("cur", "new", "tmp"):
        (maildir / place).mkdir(parents=True)
    for number, message in enumerate(messages, 1):
        name = f"17000000{number:02}.M1P1.interop,S={len(message)},W={len(message)}:2,"
        (maildir / "cur" / name).write_bytes(message)


def digests(messages):
    """An order-free fingerprint of many messages."""
    return sorted(hashlib.sha256(message).hexdigest()[:16] for message in messages)


def files(folder):
    """One message per file."""
    return [path.read_bytes() for path in sorted(Path(folder).iterdir())]


def maildir(folder):
    """The messages of a Maildir."""
    found = []
    for place in ("cur", "new"):
        if (Path(folder) / place).is_dir():
            found += files(Path(folder) / place)
    return found


def mbox(path):
    """The messages of an mbox file: a `From ` line after a blank line starts one, the blank line before it is no part of the message."""
    data = b"\n" + Path(path).read_bytes()
    return [part.partition(b"\n")[2] for part in data.split(b"\nFrom ")[1:]]
