"""mbsync (isync) and offlineimap3, which mirror an IMAP mailbox into a Maildir."""

from clients.client import Client, quoted, secret_file, with_lf, without_header
from door import HOST
from errand import Errand
from messages import maildir


class Mbsync(Client):
    """Refuses LOGIN without TLS; takes AUTHENTICATE PLAIN where it is offered, and then even without."""

    name = "mbsync"
    packages = ("isync",)

    def fetch(self, door, home):
        if door.protocol != "imap":
            return None
        kind = {"plain": "None", "starttls": "STARTTLS", "implicit": "IMAPS"}[door.mode]
        password = secret_file(home / "password", door.password)
        (home / "got").mkdir()
        settings = (
            f"IMAPAccount gate\nHost {HOST}\nPort {door.port}\nUser {door.user}\nPassCmd {quoted('cat ' + password)}\n"
            f"SSLType {kind}\nSystemCertificates no\nCertificateFile {door.ca}\n\nIMAPStore far\nAccount gate\n\n"
            f"MaildirStore near\nPath {home}/got/\nInbox {home}/got/INBOX\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n"
        )
        return Errand(["mbsync", "-c", secret_file(home / "mbsyncrc", settings), "all"], lambda _: maildir(home / "got/INBOX"))

    def keeps(self, protocol, message):
        """A bare CR goes, too: mbsync drops every one of them."""
        return message.replace(b"\r", b"")

    def compare(self, protocol, stored):
        return without_header(stored, "x-tuid")


class Offlineimap(Client):
    """AUTHENTICATE PLAIN in two steps, whatever SASL-IR says."""

    name = "offlineimap3"
    packages = ("offlineimap3",)
    # A reader whose thread is late sees the request to stop one line early, and STARTTLS hangs until the server closes.
    own_fault = ("Failed to start TLS connection", "imaplib2 3.5 may stop reading before the answer to its STARTTLS")

    def fetch(self, door, home):
        if door.protocol != "imap":
            return None
        password = secret_file(home / "password", door.password)
        settings = (
            f"[general]\naccounts = a\nmetadata = {home}/state\nui = basic\nsocktimeout = 60\n"
            "[Account a]\nlocalrepository = near\nremoterepository = far\n"
            f"[Repository near]\ntype = Maildir\nlocalfolders = {home}/got\n"
            f"[Repository far]\ntype = IMAP\nremotehost = {HOST}\nremoteport = {door.port}\nremoteuser = {door.user}\n"
            f"remotepassfile = {password}\nreadonly = True\nfolderfilter = lambda name: name == 'INBOX'\n"
            f"ssl = {'yes' if door.mode == 'implicit' else 'no'}\nstarttls = {'yes' if door.mode == 'starttls' else 'no'}\n"
            f"sslcacertfile = {door.ca}\n"
        )
        rc = secret_file(home / "offlineimaprc", settings)
        return Errand(["offlineimap", "-c", rc, "-o", "-u", "basic"], lambda _: maildir(home / "got/INBOX"))

    def keeps(self, protocol, message):
        """Every CR becomes the end of a line."""
        return with_lf(message).replace(b"\r", b"\n")
