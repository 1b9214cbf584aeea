"""mailutil: c-client, as in alpine. Its LOGIN uses literals for a password with a space; it never sends an initial response."""

from clients.client import Client
from door import HOST
from errand import Errand


class Mailutil(Client):
    name = "mailutil"
    packages = ("uw-mailutils",)

    def fetch(self, door, home):
        if door.protocol == "pop3" or door.mode == "starttls":
            return None
        flags = "/ssl" if door.mode == "implicit" else "/notls"
        remote = f"{{{HOST}:{door.port}/{door.protocol}{flags}/user={door.user}}}INBOX"
        argv = ["mailutil", "copy", remote, f"#driver.mbx{home}/got"]
        # It asks for the password on its terminal and nowhere else.
        env = {"SSL_CERT_FILE": str(door.ca)}
        return Errand(argv, lambda _: mbx(home / "got"), env, terminal=True, answers=[door.password])


def mbx(path):
    """An mbx file: 2048 octets of header, then for each message `date,size;flags` and so many octets."""
    data, found = path.read_bytes()[2048:], []
    while data:
        line, _, rest = data.partition(b"\r\n")
        size = int(line.partition(b",")[2].partition(b";")[0])
        found.append(rest[:size])
        data = rest[size:]
    return found
