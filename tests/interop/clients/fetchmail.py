"""fetchmail: LOGIN always, even where AUTHENTICATE PLAIN is offered; stops where LOGINDISABLED is said; USER/PASS."""

from clients.client import Client, delivery_agent, quoted, secret_file
from clients.documented import covers, settings
from door import HOST
from errand import Errand
from messages import files


def doubled(text):
    """Its double quotes know no escape for a double quote; its single quotes want backslashes doubled."""
    return text.replace("\\", "\\\\")


class Fetchmail(Client):
    name = "fetchmail"
    packages = ("fetchmail",)

    def fetch(self, door, home):
        tls = {"plain": "sslproto ''", "starttls": "sslproto 'auto'", "implicit": "ssl"}[door.mode]
        agent = delivery_agent(home)
        poll = (
            settings("fetchmail", door, escape=doubled)
            if covers(door)
            else f"poll {HOST} service {door.port} protocol {door.protocol}\n"
            f"  username {quoted(door.user)} password '{doubled(door.password)}'\n"
            f"  {tls} sslcertck sslcertfile '{door.ca}'\n"
        )
        text = (
            f"set no syslog\nset invisible\n{poll}"
            f"  keep fetchall no rewrite no dropdelivered pass8bits batchlimit 0 mda '{agent}'\n"
        )
        rc = secret_file(home / "fetchmailrc", text)
        return Errand(["fetchmail", "--nosyslog", "--pidfile", str(home / "pid"), "-f", rc], lambda _: files(home / "got"), {"FETCHMAILHOME": str(home)})

    def keeps(self, protocol, message):
        """No CR is kept anywhere."""
        return message.replace(b"\r", b"")
