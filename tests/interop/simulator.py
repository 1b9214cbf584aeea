"""The simulated Microsoft 365, used for its tokens only: it issues them, and tells Dovecot whether one is good."""

import json
import subprocess

from process import end_with_us

# The simulator's tenant, of which every mailbox here is one.
DOMAIN = "contoso.onmicrosoft.com"


class Simulator:
    """`saslgate demo --simulator-only`, in a process of its own."""

    def __init__(self, program, folder):
        self.log = open(folder / "simulator.log", "ab")
        self.child = subprocess.Popen(
            [program, "demo", "--simulator-only"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            preexec_fn=end_with_us,
        )
        self.facts = json.loads(self.child.stdout.readline())
        self.ca = folder / "simulator.pem"
        self.ca.write_text(self.facts["ca"])

    @property
    def token_url(self):
        """The token endpoint; saslgate puts the tenant in."""
        return self.facts["entra"] + "/{tenant}/oauth2/v2.0/token"

    @property
    def introspection_url(self):
        """Where Dovecot asks."""
        return self.facts["entra"] + "/introspect"

    def end(self):
        """Ends it."""
        self.child.terminate()
        self.child.wait()
        self.log.close()
