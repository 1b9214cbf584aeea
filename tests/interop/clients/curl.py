"""curl: AUTHENTICATE PLAIN with an initial response where SASL-IR is offered; USER/PASS or AUTH PLAIN; AUTH PLAIN in two steps."""

from clients.client import Client, quoted, secret_file
from door import HOST
from errand import Errand
from messages import files, mailbox


class Curl(Client):
    name = "curl"
    packages = ("curl",)

    def fetch(self, door, home):
        path = "INBOX;UID=[1-{}]" if door.protocol == "imap" else "[1-{}]"
        (home / "got").mkdir()
        more = f'output = "{home}/got/#1"\n'
        return self.errand(door, home, path.format(len(mailbox())), more, lambda _: files(home / "got"))

    def send(self, door, letter, home):
        more = f'mail-from = "{letter.sender}"\nmail-rcpt = "{letter.recipient}"\nupload-file = "{letter.crlf}"\n'
        return self.errand(door, home, "interop.example.org", more, None)

    def errand(self, door, home, path, more, collect):
        """The password is in the file, not in the list of processes."""
        settings = (
            f'url = "{door.scheme}://{HOST}:{door.port}/{path}"\n'
            f"user = {quoted(door.user + ':' + door.password)}\ncacert = \"{door.ca}\"\n"
            "silent\nshow-error\nfail-early\n" + more
        )
        if door.mode == "starttls":
            settings += "ssl-reqd\n"
        return Errand(["curl", "-q", "-K", secret_file(home / "curlrc", settings)], collect)
