"""mutt and neomutt: AUTHENTICATE PLAIN where offered, pipelined commands after login, CAPA again after login over POP3."""

from clients.client import Client, secret_file, with_lf, without_header
from clients.composed import Composer
from clients.documented import covers, settings
from door import HOST
from errand import Errand
from messages import maildir


class Mutt(Composer, Client):
    """Full-screen: keys are pushed from its configuration file; sending needs no screen."""

    name = "mutt"
    packages = ("mutt",)
    on_screen = True

    def fetch(self, door, home):
        kind = door.protocol.removesuffix("3")
        box = f"{door.scheme.replace('3', '')}://{HOST}:{door.port}/" + ("INBOX" if kind == "imap" else "")
        keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{home}/got<enter><quit>"
        named = f"set {kind}_user='{door.user}'\nset {kind}_pass='{door.password}'\nset spoolfile={box}\n"
        text = self.settings(door) + (settings("mutt", door) if covers(door) else named) + (
            f"set mbox_type=Maildir confirmappend=no confirmcreate=no wait_key=no pop_delete=no\npush {keys}\n"
        )
        argv = [self.name, "-n", "-R", "-F", secret_file(home / "muttrc", text), "-f", box]
        # Otherwise it offers to make this directory, and the keys answer that question.
        (home / "Mail").mkdir()
        return Errand(argv, lambda _: maildir(home / "got"), terminal=True)

    def send(self, door, letter, home):
        user = door.user.replace("@", "%40")
        named = f"set smtp_url='{door.scheme}://{user}@{HOST}:{door.port}/'\nset smtp_pass='{door.password}'\n"
        text = self.settings(door) + (settings("mutt", door) if covers(door) else named) + (
            f"set from='{letter.sender}' use_envelope_from=yes envelope_from_address='{letter.sender}'\n"
            "set copy=no use_domain=no allow_8bit=yes charset=utf-8 send_charset=utf-8\n"
        )
        body = letter.lf.read_bytes().partition(b"\n\n")[2]
        argv = [self.name, "-n", "-F", secret_file(home / "muttrc", text), "-s", letter.subject, "--", letter.recipient]
        return Errand(argv, stdin=body)

    def settings(self, door):
        """What fetching and sending share."""
        tls = "yes" if door.mode == "starttls" else "no"
        force = "no" if door.mode == "plain" else "yes"
        return (
            f"set ssl_ca_certificates_file='{door.ca}' certificate_file='{door.ca}.accepted'\n"
            f"set ssl_starttls={tls} ssl_force_tls={force} header_cache='' quit=yes delete=no mark_old=no\n"
        )

    def keeps(self, protocol, message):
        return with_lf(message)

    def compare(self, protocol, stored):
        return without_header(stored, "status", "content-length", "lines")


class Neomutt(Mutt):
    name = "neomutt"
    packages = ("neomutt",)
