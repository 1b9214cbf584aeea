"""mpop and msmtp, which share their configuration: no plain-text method of its own choice without TLS."""

from clients.client import Client, secret_file, with_lf
from clients.documented import covers, settings
from door import HOST
from errand import Errand
from messages import maildir


def account(door, without_tls):
    """Double quotes around the password are taken away, nothing inside is an escape. `auth on` lets it choose, and it chooses nothing in clear: without TLS the method has to be named."""
    tls = "tls off\n" if door.mode == "plain" else f"tls on\ntls_trust_file {door.ca}\n"
    starttls = "on" if door.mode == "starttls" else "off"
    return (
        f"account default\nhost {HOST}\nport {door.port}\nuser {door.user}\npassword \"{door.password}\"\n"
        f"auth {without_tls if door.mode == 'plain' else 'on'}\n{tls}tls_starttls {starttls}\n"
    )


class Mpop(Client):
    name = "mpop"
    packages = ("mpop",)

    def fetch(self, door, home):
        if door.protocol != "pop3":
            return None
        for place in ("got", "got/cur", "got/new", "got/tmp"):
            (home / place).mkdir()
        more = f"delivery maildir {home}/got\nuidls_file {home}/uidls\nkeep on\nreceived_header off\n"
        rc = secret_file(home / "mpoprc", account(door, "user") + more)
        return Errand(["mpop", "-C", rc, "--half-quiet"], lambda _: maildir(home / "got"))

    def keeps(self, protocol, message):
        return with_lf(message)


class Msmtp(Client):
    name = "msmtp"
    packages = ("msmtp",)

    def send(self, door, letter, home):
        text = settings("msmtp", door).replace(f"from {door.user}\n", "") if covers(door) else account(door, "plain")
        rc = secret_file(home / "msmtprc", text + f"from {letter.sender}\n")
        return Errand(["msmtp", "-C", rc, "--", letter.recipient], stdin=letter.lf.read_bytes())
