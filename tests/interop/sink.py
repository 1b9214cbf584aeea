"""The mail server behind Dovecot's submission service: keeps every message as it came."""

import socketserver
import threading

OFFER = b"250-sink.example.org\r\n250-8BITMIME\r\n250-SIZE 200000000\r\n250-PIPELINING\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"


class Sink(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a relay needs; `kept` maps each recipient to its messages."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.kept = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        """Where it listens on 127.0.0.1."""
        return self.server_address[1]

    def keep(self, recipients, message):
        """One copy for each recipient."""
        with self.lock:
            for recipient in recipients:
                self.kept.setdefault(recipient, []).append(message)

    def take(self, recipient):
        """What came for this recipient since it was last asked."""
        with self.lock:
            return self.kept.pop(recipient, [])


class Talk(socketserver.StreamRequestHandler):
    """One SMTP session."""

    def handle(self):
        self.recipients = []
        self.say(b"220 sink.example.org ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"QUIT":
                return self.say(b"221 2.0.0 Bye\r\n")
            self.answer(verb, line)

    def answer(self, verb, line):
        """The reply to one command."""
        if verb in (b"EHLO", b"HELO"):
            self.say(OFFER)
        elif verb == b"RCPT":
            self.recipients.append(line.split(b"<", 1)[1].split(b">", 1)[0].decode())
            self.say(b"250 2.1.5 Recipient OK\r\n")
        elif verb == b"DATA":
            self.data()
        elif verb in (b"MAIL", b"RSET"):
            self.recipients = []
            self.say(b"250 2.1.0 OK\r\n")
        elif verb == b"NOOP":
            self.say(b"250 2.0.0 OK\r\n")
        else:
            self.say(b"500 5.5.1 Unrecognized command\r\n")

    def data(self):
        """RFC 5321 section 4.5.2: the first dot of a line is taken away, whatever the rest is."""
        self.say(b"354 Start mail input\r\n")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.keep(self.recipients, b"".join(lines))
        self.say(b"250 2.0.0 OK\r\n")

    def say(self, reply):
        self.wfile.write(reply)
