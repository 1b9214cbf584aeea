"""Python's imaplib, poplib and smtplib: LOGIN, USER/PASS, AUTH PLAIN with an initial response."""

import imaplib
import os
import poplib
import smtplib
import ssl
from pathlib import Path

protocol, mode, host = os.environ["DOOR_PROTOCOL"], os.environ["DOOR_MODE"], os.environ["DOOR_HOST"]
port, user, password = int(os.environ["DOOR_PORT"]), os.environ["DOOR_USER"], os.environ["DOOR_PASSWORD"]
tls = ssl.create_default_context(cafile=os.environ["DOOR_CA"])


def imap():
    session = imaplib.IMAP4_SSL(host, port, ssl_context=tls) if mode == "implicit" else imaplib.IMAP4(host, port)
    if mode == "starttls":
        session.starttls(tls)
    session.login(user, password)
    session.select("INBOX", readonly=True)
    for number in session.search(None, "ALL")[1][0].split():
        _, parts = session.fetch(number.decode(), "(BODY.PEEK[])")
        yield parts[0][1]
    session.logout()


def pop3():
    session = poplib.POP3_SSL(host, port, context=tls) if mode == "implicit" else poplib.POP3(host, port)
    if mode == "starttls":
        session.stls(tls)
    session.user(user)
    session.pass_(password)
    for number in range(1, session.stat()[0] + 1):
        yield b"".join(line + b"\r\n" for line in session.retr(number)[1])
    session.quit()


def smtp():
    session = smtplib.SMTP_SSL(host, port, context=tls) if mode == "implicit" else smtplib.SMTP(host, port)
    if mode == "starttls":
        session.starttls(context=tls)
    session.login(user, password)
    session.sendmail(os.environ["LETTER_FROM"], [os.environ["LETTER_TO"]], Path(os.environ["LETTER"]).read_bytes())
    session.quit()


if protocol == "smtp":
    smtp()
else:
    for number, message in enumerate({"imap": imap, "pop3": pop3}[protocol](), 1):
        Path("got", str(number)).write_bytes(message)
