"""s-nail: LOGIN and USER/PASS; AUTH PLAIN without an initial response."""

import re
from urllib.parse import quote

from clients.client import Client, secret_file, without_header
from clients.composed import Composer
from door import HOST
from errand import Errand
from messages import maildir


class Snail(Composer, Client):
    name = "s-nail"
    packages = ("s-nail",)

    def fetch(self, door, home):
        box = self.url(door) + ("/INBOX" if door.protocol == "imap" else "")
        commands = f"set errexit\nfolder {box}\ncopy * maildir://{home}/got\nxit\n"
        argv, env = self.command(door, home)
        return Errand(argv, lambda _: maildir(home / "got"), env, stdin=commands.encode())

    def send(self, door, letter, home):
        more = f"set mta={self.url(door)} from={letter.sender} mime-encoding=8bit nosave norecord\n"
        argv, env = self.command(door, home, more)
        # With `-t` it takes the headers that it knows and refuses those of MIME, which are its own.
        text = without_header(letter.lf.read_bytes(), "mime-version", "content-type", "content-transfer-encoding")
        return Errand([*argv, "-t"], None, env, stdin=text)

    def url(self, door):
        """With the password in it: it goes to a file or to standard input."""
        return f"{door.scheme}://{quote(door.user, '')}:{quote(door.password, '')}@{HOST}:{door.port}"

    def command(self, door, home, more=""):
        starttls = "" if door.mode == "starttls" else "no"
        settings = (
            f"set v15-compat=y tls-ca-no-defaults tls-ca-file={door.ca} tls-verify=strict nokeep noheader\n"
            f"set {starttls}imap-use-starttls {starttls}pop3-use-starttls {starttls}smtp-use-starttls\n"
            f"set hostname=interop.example.org ttycharset=utf-8\n{more}"
        )
        return ["s-nail", "-#", "-:u"], {"MAILRC": secret_file(home / "mailrc", settings)}

    def keeps(self, protocol, message):
        """As if a Maildir were an mbox file: no CR at the end of a line, `>From `, a blank line at the end."""
        text = re.sub(rb"\r+\n", b"\n", message).replace(b"\nFrom ", b"\n>From ")
        return text if text.endswith(b"\n\n") else text + b"\n"

    def compare(self, protocol, stored):
        return without_header(stored, "status", "x-status")
