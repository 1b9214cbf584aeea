"""The mail libraries of programming languages, each driven by a script in `scripts/`."""

import subprocess
from pathlib import Path

from clients.client import SCRIPTS, Client
from errand import Errand
from messages import files


class Scripted(Client):
    """A script that reads the door from its environment and writes what it fetched into `got/`."""

    command = ()

    def fetch(self, door, home):
        (home / "got").mkdir()
        return Errand(list(self.command), lambda _: files(home / "got"), door.environment())

    def send(self, door, letter, home):
        return Errand(list(self.command), None, door.environment() | letter.environment())


class Python(Scripted):
    """imaplib, poplib, smtplib."""

    name = "python"
    packages = ("python3",)
    command = ("python3", str(SCRIPTS / "mail.py"))


class Perl(Scripted):
    """Mail::IMAPClient (LOGIN), Net::POP3 (USER/PASS), Net::SMTP (the first mechanism that it knows)."""

    name = "perl"
    packages = ("perl", "libmail-imapclient-perl", "libio-socket-ssl-perl", "libauthen-sasl-perl")
    command = ("perl", str(SCRIPTS / "mail.pl"))


class Php(Scripted):
    """PHP's imap extension: c-client, which never sends an initial response."""

    name = "php"
    packages = ("php8.2-cli", "php8.2-imap")
    command = ("php", str(SCRIPTS / "mail.php"))

    def fetch(self, door, home):
        if door.mode == "starttls":
            return None
        job = super().fetch(door, home)
        job.env["SSL_CERT_FILE"] = str(door.ca)
        return job

    def send(self, door, letter, home):
        return None


class Ruby(Scripted):
    """net-imap writes one command in many small segments."""

    name = "ruby"
    packages = ("ruby",)
    command = ("ruby", str(SCRIPTS / "mail.rb"))
    # The BYE reaches its reader while the command is still being written: either may find the connection gone.
    racing = frozenset({("shutting down", "imap")})

    def fetch(self, door, home):
        return None if (door.protocol, door.mode) == ("pop3", "starttls") else super().fetch(door, home)


class Java(Scripted):
    """javax.mail: AUTHENTICATE without an initial response, AUTH LOGIN before AUTH PLAIN."""

    name = "java"
    packages = ("openjdk-17-jdk-headless", "libmail-java")
    classpath = "/usr/share/java/javax.mail.jar"

    @property
    def command(self):
        # One thread for compiling and collecting: a client of many threads would be measured, not the gate.
        return ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.classpath}:{self.built}", "Mail")

    def build(self, folder):
        """Compiles the client once for all cells."""
        self.built = Path(folder)
        self.built.mkdir()
        subprocess.run(["javac", "-cp", self.classpath, "-d", str(folder), str(SCRIPTS / "Mail.java")], check=True)
