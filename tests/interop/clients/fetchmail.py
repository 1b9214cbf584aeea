"""fetchmail: LOGIN always, even where AUTHENTICATE PLAIN is offered; stops where LOGINDISABLED is said; USER/PASS."""

from clients.client import Client, delivery_agent, quoted, secret_file
from door import HOST
from errand import Errand
from messages import files


def single_quoted(text):
    """Its double quotes know no escape for a double quote; its single quotes want backslashes doubled."""
    return "'" + text.replace("\\", "\\\\") + "'"


class Fetchmail(Client):
    name = "fetchmail"
    packages = ("fetchmail",)

    def fetch(self, door, home):
        tls = {"plain": "sslproto ''", "starttls": "sslproto 'auto'", "implicit": "ssl"}[door.mode]
        agent = delivery_agent(home)
        settings = (
            "set no syslog\nset invisible\n"
            f"poll {HOST} service {door.port} protocol {door.protocol}\n"
            f"  username {quoted(door.user)} password {single_quoted(door.password)}\n"
            f"  {tls} sslcertck sslcertfile '{door.ca}'\n"
            f"  keep fetchall no rewrite no dropdelivered pass8bits batchlimit 0 mda '{agent}'\n"
        )
        rc = secret_file(home / "fetchmailrc", settings)
        return Errand(["fetchmail", "--nosyslog", "--pidfile", str(home / "pid"), "-f", rc], lambda _: files(home / "got"), {"FETCHMAILHOME": str(home)})

    def keeps(self, protocol, message):
        """No CR is kept anywhere."""
        return message.replace(b"\r", b"")
