"""One app: as it is registered with the authorization server, and as saslgate's configuration has it."""

import secrets
from dataclasses import dataclass, field

from process import HeldPort

DOMAIN = "desk.example"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
# What each of saslgate's grants is called at the server.
GRANT_TYPES = {
    "authorization_code": ["authorization_code", "refresh_token"],
    "device_code": [DEVICE_CODE, "refresh_token"],
    "refresh_token": ["authorization_code", "refresh_token"],
    "client_credentials": ["client_credentials"],
}
# What proves an app, and how the server knows it. saslgate sends a secret in the body, whichever of the two is registered.
METHODS = {
    "none": "none", "secret_post": "client_secret_post", "secret_basic": "client_secret_basic",
    "PS256": "private_key_jwt", "RS256": "private_key_jwt",
}
SCOPE = {"client_credentials": "mail"}
SCOPE_OF_PEOPLE = "openid profile mail offline_access"


@dataclass
class Registration:
    """An app of its own for each cell, with a mailbox of its own."""

    name: str
    grant: str
    proof: str
    # Of which an access token lives for a minute.
    is_short_lived: bool = False
    secret: str = field(default_factory=lambda: f"S+/%&={secrets.token_hex(16)}")
    # saslgate listens at it while somebody signs in.
    port: HeldPort = field(default_factory=HeldPort)

    @property
    def mailbox(self):
        """The mailbox, the login, and the name of whom it belongs to."""
        return f"{self.name.lower()}@{DOMAIN}"

    @property
    def redirect_uri(self):
        """Where the browser comes back to."""
        return f"http://localhost:{self.port.number}/"

    def metadata(self):
        """RFC 7591 2."""
        by_browser = "authorization_code" in GRANT_TYPES[self.grant]
        facts = {
            "client_id": self.name,
            "application_type": "native",
            "grant_types": GRANT_TYPES[self.grant],
            "response_types": ["code"] if by_browser else [],
            "redirect_uris": [self.redirect_uri] if by_browser else [],
            "token_endpoint_auth_method": METHODS[self.proof],
        }
        if self.proof.startswith("secret"):
            facts["client_secret"] = self.secret
        if METHODS[self.proof] == "private_key_jwt":
            facts["token_endpoint_auth_signing_alg"] = self.proof
        return facts

    def settings(self, folder, certificates, server, imaps, password):
        """saslgate's configuration, but for the listeners."""
        browser = f'redirect_uri = "{self.redirect_uri}"\n' if self.grant != "client_credentials" else ""
        # OpenID Connect Core 11: without it offline_access is not given.
        browser += 'prompt = "consent"\n' if browser else ""
        return (
            f'[app]\npreset = "independent"\ngrant = "{self.grant}"\nclient_id = "{self.name}"\n'
            f'scope = "{SCOPE.get(self.grant, SCOPE_OF_PEOPLE)}"\n{browser}{self.shown(folder, certificates)}'
            f'[provider.independent]\n{server.provider()}imap = "localhost:{imaps}"\ntls = "implicit"\n'
            f'[[account]]\nlogin = "{self.mailbox}"\npassword = "{password}"\nprotocols = ["imap"]\n'
            f'[upstream]\nca_file = "{certificates}/ca.pem"\n[log]\nformat = "json"\n'
        )

    def shown(self, folder, certificates):
        """What proves the app."""
        if self.proof.startswith("secret"):
            (folder / "secret").write_text(self.secret)
            (folder / "secret").chmod(0o600)
            return f'client_secret_file = "{folder}/secret"\n'
        if self.proof == "none":
            return ""
        return f'certificate = "{certificates}/app.pem"\nkey = "{certificates}/app.key"\ncertificate_algorithm = "{self.proof}"\n'
