"""The first logins of a saslgate: what it offers a mail client is what it has seen upstream, and of a provider without a
preset it has seen nothing yet. The very first SMTP session is not offered 8BITMIME, and Postfix then rewrites a
message as quoted-printable: right, and not what the matrix is about."""

import imaplib
import poplib
import smtplib
import ssl

from door import HOST

LIBRARIES = {"imap": imaplib.IMAP4, "pop3": poplib.POP3, "smtp": smtplib.SMTP}


def introduce(doors):
    """One login in each protocol by each way upstream."""
    for (protocol, mode), door in doors.items():
        if mode != "implicit":
            session = LIBRARIES[protocol](HOST, door.port)
            if mode == "starttls":
                start_tls(session, protocol, ssl.create_default_context(cafile=door.ca))
            log_in(session, protocol, door)


def start_tls(session, protocol, tls):
    """Each of the three libraries says it in its own way."""
    if protocol == "imap":
        session.starttls(tls)
    elif protocol == "pop3":
        session.stls(tls)
    else:
        session.starttls(context=tls)


def log_in(session, protocol, door):
    """In and out again."""
    if protocol == "pop3":
        session.user(door.user)
        session.pass_(door.password)
    else:
        session.login(door.user, door.password)
    session.logout() if protocol == "imap" else session.quit()
