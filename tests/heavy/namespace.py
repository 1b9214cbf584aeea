"""What the proofs about packages share: everything in one network namespace, from where nothing leaves it.

A simulator in it, a saslgate with an account that a person signs in for, and mail clients. `enter` is the command that runs
another one in the namespace. Programs that are not under test (the simulator) are those of the checkout, by the environment
variable SASLGATE or target/release/saslgate, built with the simulator.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SASLGATE = os.environ.get("SASLGATE", str(ROOT / "target/release/saslgate"))
ALICE, BOB = (f"{name}@contoso.onmicrosoft.com" for name in ("alice", "bob"))
PATIENCE = 120

# One login: prints what a mail client reads of INBOX. Over standard input, so that no password is in a process list.
MAIL_CLIENT = """
import imaplib, json, sys
host, port, user, password = json.load(sys.stdin)
client = imaplib.IMAP4(host, port, timeout=30)
client.login(user, password)
print(client.select("INBOX")[0])
client.logout()
"""

# A browser in which somebody is signed in already.
BROWSER = """
import json, ssl, sys, urllib.request
address, authority = json.load(sys.stdin)
trust = ssl.create_default_context(cadata=authority)
urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)).open(address).read()
"""


def skip(reason):
    """Ends a proof that can't be had here."""
    print(f"skipped: {reason}")
    sys.exit(0)


def verdict(words, good, detail=""):
    print(f"{'ok  ' if good else 'BAD '} {words}{'' if good else f': {detail}'}", flush=True)
    return good


def until(what, condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    sys.exit(f"not within {patience} s: {what}")


class Namespace:
    """A simulator in a namespace, and what happens there."""

    def __init__(self, enter):
        self.enter = enter
        simulator = [SASLGATE, "demo", "--simulator-only", "--rotation", "strict", "--token-lifetime", "60"]
        self.simulator = subprocess.Popen([*enter, *simulator], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.told = json.loads(self.simulator.stdout.readline())

    def end(self):
        self.simulator.terminate()
        self.simulator.wait()

    def configuration(self, authority):
        """A configuration with one account whose owner signs in; `authority` is where the file of the CA will be."""
        port = {name: self.told[name].rsplit(":", 1)[1] for name in ("imap", "pop3", "smtp")}
        return f"""[app]
preset = "sim"
tenant = "{self.told['tenant']}"
client_id = "{self.told['public_client_id']}"
grant = "authorization_code"
scope = "{self.told['delegated_scope']}"
redirect_uri = "http://localhost:8425/"

[provider.sim]
token_url = "{self.told['entra']}/{{tenant}}/oauth2/v2.0/token"
authorize_url = "{self.told['entra']}/{{tenant}}/oauth2/v2.0/authorize"
imap = "localhost:{port['imap']}"
tls.imap = "implicit"

[[account]]
login = "{ALICE}"
password = "{self.told['password_hash']}"
protocols = ["imap"]

[upstream]
ca_file = "{authority}"
proxy = "none"
"""

    def log_in(self, host="127.0.0.1", port=1143, enter=None):
        """Whether a mail client can log in and open its mailbox."""
        question = json.dumps([host, port, ALICE, self.told["password"]])
        command = [*(enter or self.enter), sys.executable, "-c", MAIL_CLIENT]
        answer = subprocess.run(command, input=question, capture_output=True, text=True)
        return answer.stdout == "OK\n"

    def sign_in(self, command):
        """Whether somebody can sign in by a command that prints an address for a browser."""
        with tempfile.TemporaryFile("w+") as errors:
            child = command(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
            address = next((line.strip() for line in child.stdout if line.strip().startswith("https://")), None)
            if address:
                browser = [*self.enter, sys.executable, "-c", BROWSER]
                visit = subprocess.run(browser, input=json.dumps([address, self.told["ca"]]), text=True, capture_output=True)
            told = child.stdout.read()
            if child.wait() == 0:
                return True
            errors.seek(0)
            print(told, errors.read(), visit.stderr if address else "", file=sys.stderr)
            return False
