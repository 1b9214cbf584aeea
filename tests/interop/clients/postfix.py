"""Postfix as a satellite that hands all mail to the gate: what it keeps in its queue is what a refusal costs nobody."""

from clients.client import SCRIPTS, Client, secret_file, without_header
from clients.documented import settings
from errand import Errand

# The services that sending needs; the last column is the program.
MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Client):
    """An instance of its own in `home`: queue, configuration and log; the lines of the documentation, and where it has its files. AUTH PLAIN with
    an initial response."""

    name = "postfix"
    packages = ("postfix", "libsasl2-modules")

    def send(self, door, letter, home):
        level = "none" if door.mode == "plain" else "secure"
        passwords = secret_file(home / "passwords", settings("Postfix", door, place=1))
        documented = settings("Postfix", door).replace("/etc/postfix/saslgate", passwords)
        main = f"""{documented}
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = interop.example.org
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
smtp_host_lookup = native
smtp_tls_security_level = {level}
smtp_tls_wrappermode = {"yes" if door.mode == "implicit" else "no"}
smtp_tls_CAfile = {door.ca}
"""
        (home / "etc").mkdir()
        (home / "etc/main.cf").write_text(main)
        (home / "etc/master.cf").write_text(MASTER)
        return Errand(["python3", str(SCRIPTS / "postfix.py"), str(home), letter.sender, letter.recipient, str(letter.lf)])

    def arrived(self, message):
        """Its own Received header is on top of the letter's."""
        return without_header(message, "received")
