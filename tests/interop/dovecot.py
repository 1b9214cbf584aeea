"""Dovecot as the upstream: an instance of its own, which no system service knows of."""

import base64
import os
import pwd
from process import Process, free_ports

# Debian has this user on every machine; Dovecot's own users come with its package.
MAIL_USER = "nobody"
SERVICES = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")

COMMON = """
base_dir = {home}/run
state_dir = {home}/state
instance_name = saslgate-interop
log_path = {home}/dovecot.log
auth_verbose = yes
protocols = imap pop3 submission
listen = 127.0.0.1
hostname = upstream.example.org
ssl_cert = <{certificates}/cert.pem
ssl_key = <{certificates}/key.pem
mail_location = maildir:~/Maildir
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_max_userip_connections = 200
auth_failure_delay = 0
service anvil {{
  # Otherwise every refused login makes the next one slower.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {sink}
userdb {{
  driver = passwd-file
  args = username_format=%Lu {home}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
"""

# As Exchange Online: no password, no token before TLS.
BY_TOKEN = """
ssl = required
auth_mechanisms = xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {home}/oauth2.conf
}}
"""

# What a token is for is compared in the form of `opens`.
OAUTH2 = """
introspection_url = {url}
introspection_mode = post
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = username
username_format = {opens}
timeout_msecs = 10000
tls_ca_cert_file = {ca}
"""

# For `run --direct`, which proves the clients and this harness without saslgate.
BY_PASSWORD = """
ssl = yes
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN.b64 username_format=%Lu {home}/passwords
}}
"""


class Dovecot:
    """One instance. `mailboxes` exist upstream; `password` makes it accept only passwords, else only tokens. `opens` is what
    of a login has to be the token's: its domain (an app's token is for every mailbox of its tenant and for no other), or `%Lu`."""

    def __init__(self, home, certificates, sink, mailboxes, introspection_url=None, introspection_ca=None, password=None, opens="%Ld"):
        self.home, self.certificates = home, certificates
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
        user = pwd.getpwnam(MAIL_USER)
        self.uid, self.gid = user.pw_uid, user.pw_gid
        home.mkdir()
        self.write_users(mailboxes, password)
        login = BY_PASSWORD if password else BY_TOKEN
        text = (COMMON + login).format(
            home=home, certificates=certificates, uid=self.uid, gid=self.gid, sink=sink.port, **self.ports
        )
        self.configuration = home / "dovecot.conf"
        self.configuration.write_text(text)
        (home / "oauth2.conf").write_text(OAUTH2.format(url=introspection_url, ca=introspection_ca, opens=opens))
        (home / "dovecot.log").touch()
        self.process = None

    def write_users(self, mailboxes, password):
        """The user database, and for `--direct` the passwords."""
        users, passwords = [], []
        for mailbox in mailboxes:
            users.append(f"{mailbox}::{self.uid}:{self.gid}::{self.home}/mail/{mailbox}::\n")
            passwords.append(f"{mailbox}:{base64.b64encode((password or '').encode()).decode()}\n")
        (self.home / "users").write_text("".join(users))
        (self.home / "passwords").write_text("".join(passwords))

    def maildir(self, mailbox):
        """Where a mailbox's messages lie."""
        return self.home / "mail" / mailbox / "Maildir"

    def count(self, mailbox):
        """How many messages a mailbox has."""
        return sum(len(list((self.maildir(mailbox) / place).iterdir())) for place in ("cur", "new"))

    def start(self):
        """Hands the mailboxes to the mail user, starts, and waits until it listens."""
        for folder, _, names in os.walk(self.home / "mail"):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                os.chown(path, self.uid, self.gid)
        self.process = Process("dovecot", ["dovecot", "-F", "-c", str(self.configuration)], self.home / "dovecot.out")
        self.process.wait_for(self.ports.values())

    def end(self):
        """Ends the master, which ends its children."""
        if self.process:
            self.process.end()

    def log(self):
        """What it logged."""
        return (self.home / "dovecot.log").read_text(errors="replace")
