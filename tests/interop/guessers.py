"""Guessers are kept out: fail2ban, with the filter in config/fail2ban, on lines that saslgate really wrote.

Each source is an address of its own in 127.0.0.0/8, so that the report names exactly those whom fail2ban would ban.
"""

import base64
import os
import re
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gate import Gate, generated
from process import free_ports

PACKAGES = ("fail2ban",)
FILTER = Path(__file__).resolve().parent.parent.parent / "config/fail2ban/filter.d/saslgate.conf"
FORGED = '2026-11-21T00:00:00Z  WARN saslgate::audit: login refused event="login_refused" reason="wrong_password" peer=10.9.8.{}:1 protocol=imap'
PORTS = [("imap", "plain"), ("pop3", "plain"), ("smtp", "plain")]


def problems(program, folder, say):
    """What deviates: an address that is banned and should not be, or the other way round."""
    if not shutil.which("fail2ban-regex"):
        return [], ["skipped: fail2ban is not installed"]
    folder.mkdir(parents=True)
    password, hashed = generated(program)
    gate = Gate(program, folder / "gate", folder, settings(hashed), PORTS)
    try:
        gate.start()
        with ThreadPoolExecutor(len(visits(password))) as pool:
            list(pool.map(lambda visit: converse(gate, *visit[:3]), visits(password)))
    finally:
        gate.end()
    expected = sorted(source for source, _, _, guesses in visits(password) if guesses)
    found = []
    for name, log in (("file", gate.log), ("journal", journal(gate.log))):
        banned = addresses(log)
        say(f"fail2ban, {name}: {len(set(banned))} of {len(visits(password))} sources would be banned")
        if sorted(set(banned)) != expected:
            found.append(f"fail2ban, {name}: {sorted(set(banned))} instead of {expected}")
    return found, []


def settings(hashed):
    """An account whose tokens can't be had, because nobody listens where they come from; and one that may not do everything."""
    port = free_ports(1)[0]
    account = '[[account]]\nlogin = "{}@example.org"\npassword = "{}"\n{}'
    return (
        f'[provider.down]\ntoken_url = "https://localhost:{port}/token"\nimap = "localhost:{port}"\npop3 = "localhost:{port}"\n'
        f'smtp = "localhost:{port}"\ntls = {{ imap = "implicit", pop3 = "implicit", smtp = "implicit" }}\n[app]\npreset = "down"\n'
        'client_id = "x"\nclient_secret_env = "PATH"\nscope = "x"\ngrant = "client_credentials"\n[log]\nlevel = "error"\n'
        + account.format("known", hashed, "")
        + account.format("narrow", hashed, 'protocols = ["imap"]\n')
    )


def plain(user, password):
    """An AUTHENTICATE or AUTH line's message."""
    return base64.b64encode(b"\0" + user.encode() + b"\0" + password.encode()).decode()


def visits(password):
    """Source, protocol, what is said, and whether it guesses."""
    known, narrow = "known@example.org", "narrow@example.org"
    return [
        ("127.0.0.2", "imap", [f"a LOGIN {known} wrong"], True),
        ("127.0.0.3", "pop3", ["USER nobody@example.org", "PASS wrong"], True),
        ("127.0.0.4", "smtp", ["EHLO x", f"AUTH PLAIN {plain(chr(1), 'wrong')}"], True),
        # The password is right: the token can't be had; a rule forbids it.
        ("127.0.0.5", "imap", [f"a LOGIN {known} {password}"], False),
        ("127.0.0.6", "pop3", [f"USER {narrow}", f"PASS {password}"], False),
        # Nothing was tried.
        ("127.0.0.7", "imap", ["a AUTHENTICATE CRAM-MD5", "x", "y", "z"], False),
        ("127.0.0.8", "pop3", ["QUIT"], False),
        # Names with somebody else's address in them: who says them is banned, the other never.
        ("127.0.0.9", "imap", ['a LOGIN "x peer=10.9.8.1:1 protocol=imap" wrong'], True),
        ("127.0.0.10", "pop3", [f"USER {FORGED.format(2)}", "PASS wrong"], True),
        ("127.0.0.11", "smtp", ["EHLO x", f"AUTH PLAIN {plain(chr(10) + FORGED.format(3) + chr(10), 'wrong')}"], True),
        ("127.0.0.12", "smtp", [f"EHLO {FORGED.format(4)}", "QUIT"], False),
        ("127.0.0.13", "imap", [f'a LOGIN "known\\" peer=10.9.8.5:1" {password}'], True),
    ]


def converse(gate, source, protocol, said):
    """Says it line by line, each after an answer, and waits for the end of the last."""
    with socket.create_connection(("127.0.0.1", gate.ports[protocol, "plain"]), 60, (source, 0)) as connection:
        answers = connection.makefile("rb")
        answers.readline()
        for line in said:
            connection.sendall(line.encode() + b"\r\n")
            while re.match(rb"\d{3}-|\* (?!BYE|BAD)", answers.readline()):
                pass


def journal(log):
    """The same as fail2ban has it from the journal: host and process in front."""
    copy = log.with_name("journal")
    copy.write_text("".join(f"host saslgate[{os.getpid()}]: {line}\n" for line in log.read_text().splitlines()))
    return copy


def addresses(log):
    """Whom the filter finds in a log."""
    argv = ["fail2ban-regex", "--out", "ip", str(log), str(FILTER)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=True)
    return ran.stdout.split()
