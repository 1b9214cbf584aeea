"""getmail6: LOGIN and USER/PASS, without asking what is offered."""

from clients.client import Client, delivery_agent, secret_file, with_lf, without_header
from door import HOST
from errand import Errand
from messages import files


class Getmail(Client):
    name = "getmail6"
    packages = ("getmail6",)

    def fetch(self, door, home):
        if door.mode == "starttls":
            return None
        kind = "Simple" + door.protocol.upper() + ("SSL" if door.mode == "implicit" else "") + "Retriever"
        trust = f"ca_certs = {door.ca}\n" if door.mode == "implicit" else ""
        settings = (
            f"[retriever]\ntype = {kind}\nserver = {HOST}\nport = {door.port}\nusername = {door.user}\n"
            f"password = {door.password}\n{trust}"
            f"[destination]\ntype = MDA_external\npath = {delivery_agent(home)}\nallow_root_commands = true\n"
            "[options]\nread_all = true\ndelete = false\nreceived = false\ndelivered_to = false\nverbose = 1\n"
        )
        rc = secret_file(home / "getmailrc", settings)
        return Errand(["getmail", "--getmaildir", str(home), "--rcfile", rc], lambda _: files(home / "got"))

    def keeps(self, protocol, message):
        """Every CR becomes the end of a line; over POP3 one before CRLF goes, because poplib gives lines without their ends."""
        text = with_lf(message)
        return (with_lf(text) if protocol == "pop3" else text).replace(b"\r", b"\n")

    def compare(self, protocol, stored):
        return without_header(stored, "return-path", "x-getmail-retrieved-from-mailbox")
