"""swaks and git send-email."""

from clients.client import Client, quoted, secret_file
from clients.composed import Composer
from door import HOST
from errand import Errand


class Swaks(Client):
    """AUTH LOGIN where it is offered, whatever stands first."""

    name = "swaks"
    packages = ("swaks",)

    def send(self, door, letter, home):
        tls = {"plain": "", "starttls": "--tls", "implicit": "--tls-on-connect"}[door.mode]
        # It ends the last line itself.
        (home / "data").write_bytes(letter.lf.read_bytes().removesuffix(b"\n"))
        verify = f"--tls-verify\n--tls-ca-path {door.ca}\n" if tls else ""
        settings = (
            f"--server {HOST}\n--port {door.port}\n--auth\n--auth-user {door.user}\n--auth-password {door.password}\n"
            f"--from {letter.sender}\n--to {letter.recipient}\n--helo interop.example.org\n--data @{home}/data\n"
            f"--suppress-data\n{tls}\n{verify}"
        )
        return Errand(["swaks", "--config", secret_file(home / "swaksrc", settings)])


class GitSendEmail(Composer, Client):
    """Net::SMTP with Authen::SASL: the first mechanism that it knows."""

    name = "git-send-email"
    packages = ("git-email", "libmailtools-perl", "libauthen-sasl-perl", "libio-socket-ssl-perl")

    def send(self, door, letter, home):
        encryption = {"plain": "", "starttls": "tls", "implicit": "ssl"}[door.mode]
        settings = (
            f"[user]\n\tname = Support\n\temail = {letter.sender}\n[sendemail]\n"
            f"\tsmtpServer = {HOST}\n\tsmtpServerPort = {door.port}\n\tsmtpUser = {door.user}\n"
            f"\tsmtpPass = {quoted(door.password)}\n\tsmtpEncryption = {encryption}\n\tsmtpSSLCertPath = {door.ca}\n"
            f"\tto = {letter.recipient}\n\tconfirm = never\n\tsuppressCc = all\n\ttransferEncoding = 8bit\n\tvalidate = false\n"
        )
        (home / ".gitconfig").write_text(settings)
        (home / ".gitconfig").chmod(0o600)
        return Errand(["git", "send-email", "--quiet", str(letter.lf)])
