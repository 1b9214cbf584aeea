"""The identity provider: issues app-only tokens, and tells Dovecot whether one is good."""

import json
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

TENANT = "contoso.com"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_SECRET = secrets.token_urlsafe(30)
SCOPE = "https://outlook.office365.com/.default"
# As long as a token of Microsoft's with a few groups: long enough to break an AUTH command of one line.
TOKEN_BYTES = 1700
TOKEN_LIFE = 3600


class Identity(ThreadingHTTPServer):
    """`token_url` for saslgate, `introspection_url` for Dovecot. `stalled` holds every token request back."""

    daemon_threads = True

    def __init__(self, certificates):
        super().__init__(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.tokens = {}
        self.issued = 0
        self.complaints = []
        self.asked = threading.Semaphore(0)
        self.go_on = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self, path):
        """The URL of one of its pages."""
        return f"https://localhost:{self.server_address[1]}/{path}"

    @property
    def token_url(self):
        return self.address(f"{TENANT}/oauth2/v2.0/token")

    @property
    def slow_token_url(self):
        return self.address("slow/oauth2/v2.0/token")

    @property
    def introspection_url(self):
        return self.address("introspect")


class Answer(BaseHTTPRequestHandler):
    """One HTTP request."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self):
        form = {name: values for name, values in parse_qs(self.body(), keep_blank_values=True).items()}
        if self.path == "/introspect":
            self.reply(200, self.introspect(form))
        elif self.path in (f"/{TENANT}/oauth2/v2.0/token", "/slow/oauth2/v2.0/token"):
            self.token(form)
        else:
            self.refuse(404, "not_found", self.path)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def token(self, form):
        """RFC 6749 section 4.4.2, with the parameters that Microsoft asks for, each exactly once."""
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scope": SCOPE}
        if {name: [value] for name, value in wanted.items()} != form:
            return self.refuse(400, "invalid_request", f"parameters: {sorted(form)}")
        if self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            return self.refuse(400, "invalid_request", f"type: {self.headers.get('Content-Type')}")
        if self.path.startswith("/slow/"):
            self.server.asked.release()
            self.server.go_on.wait(60)
        token = secrets.token_urlsafe(TOKEN_BYTES * 3 // 4)
        self.server.tokens[token] = time.time() + TOKEN_LIFE
        self.server.issued += 1
        self.reply(200, {"token_type": "Bearer", "expires_in": TOKEN_LIFE, "ext_expires_in": TOKEN_LIFE, "access_token": token})

    def introspect(self, form):
        """RFC 7662 section 2.2. An app-only token has no user: the name says which tenant it is for."""
        alive = self.server.tokens.get(form.get("token", [""])[0], 0) > time.time()
        return {"active": True, "username": f"app@{TENANT}"} if alive else {"active": False}

    def refuse(self, status, error, why):
        self.server.complaints.append(f"{error}: {why}")
        self.reply(status, {"error": error, "error_description": f"AADSTS900144: {why}"})

    def reply(self, status, answer):
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Nothing: `complaints` holds what matters."""
