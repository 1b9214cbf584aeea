"""What is said between a person, saslgate and the authorization server in each cell. Each ends with mail that is read, or
is not to be."""

import base64
import hashlib
import json
import secrets
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

from browser import Browser
from login import expect, expect_in
from registration import SCOPE_OF_PEOPLE

# RFC 8628 3.2 and 3.5: what oidc-provider's codes are asked for by, and what `slow_down` adds. A clock reads milliseconds.
PACE, SLOWER, TICK = 5.0, 5.0, 0.05


def authorization_code(login, server):
    """A person signs in at a browser, as whom the form already names."""
    sign_in = login.sign_in("--no-browser")
    at = by_browser(login, sign_in.address())
    expect_in("Signed in", Browser(login.certificates / "ca.pem").land(at))
    expect_quiet(sign_in.end(), login)
    reads_and_renews(login, server)


def device_code(login, server):
    """A person types a code at a browser, after saslgate has been told to ask less often."""
    sign_in = login.sign_in()
    address, code = sign_in.address(), sign_in.code()
    name = login.registration.name
    server.wait_for(name, "polled", 60, said="slow_down")
    window = Browser(login.certificates / "ca.pem")
    window.sign_in(address, login.mailbox, code)
    expect_quiet(sign_in.end(), login)
    polled = server.events(name, "polled")
    expect([one["said"] for one in polled], ["authorization_pending", "slow_down", "granted"])
    pauses = [(after["at"] - before["at"]) / 1000 for before, after in zip(polled, polled[1:])]
    if pauses[0] < PACE - TICK or pauses[1] < PACE + SLOWER - TICK:
        raise RuntimeError(f"asked too early: {pauses}")
    reads_and_renews(login, server)


def refresh_token(login, server):
    """A refresh token that another program got is handed over."""
    window = Browser(login.certificates / "ca.pem")
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    app = login.registration
    query = urllib.parse.urlencode({
        "client_id": app.name, "response_type": "code", "redirect_uri": app.redirect_uri, "scope": SCOPE_OF_PEOPLE,
        "prompt": "consent", "code_challenge": challenge, "code_challenge_method": "S256",
    })
    at = window.sign_in(f"{server.issuer}/auth?{query}", login.mailbox)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(at).query)["code"][0]
    proof = {"client_secret": app.secret} if app.proof != "none" else {}
    status, reply = ask(login, server, {
        "grant_type": "authorization_code", "client_id": app.name, "code": code, "redirect_uri": app.redirect_uri,
        "code_verifier": verifier, **proof,
    })
    expect(status, 200)
    expect_quiet(login.sign_in("--refresh-token").end(typed=reply["refresh_token"]), login)
    expect_renewals(login, server, 1)
    login.must_read()
    login.restart()
    login.must_read()
    expect_renewals(login, server, 2)


def client_credentials(login, server):
    """Nobody signs in: the app asks for itself."""
    login.must_read()
    login.must_read()
    expect(granted(login, server, "client_credentials"), 1)
    login.restart()
    login.must_read()
    expect(granted(login, server, "client_credentials"), 2)


def rotation(login, server):
    """Renewed ahead, and by eight logins at once after restarts: no refresh token is used twice. Then a thief uses one."""
    sign_in = login.sign_in("--no-browser")
    Browser(login.certificates / "ca.pem").land(by_browser(login, sign_in.address()))
    sign_in.end()
    until = time.monotonic() + 150
    while granted(login, server, "refresh_token") < 3:
        login.must_read()
        if time.monotonic() > until:
            raise RuntimeError("a token that lives a minute is not renewed ahead of its end")
        time.sleep(1)
    for _ in range(4):
        login.restart()
        login.must_read(at_once=8)
    used = [event["token"] for event in server.events(login.registration.name, "consumed")]
    expect_renewals(login, server, len(used))
    expect(len(set(used)), len(used))
    a_thief_comes(login, server, used[0])


def a_thief_comes(login, server, token):
    """Shows that the server would have noticed."""
    status, reply = ask(login, server, {"grant_type": "refresh_token", "client_id": login.registration.name, "refresh_token": token})
    expect((status, reply["error"]), (400, "invalid_grant"))
    server.wait_for(login.registration.name, "revoked", 10)
    # The second login finds what the first has learnt: upstream is still shown the token that seems to live.
    for _ in range(2):
        expect_in("curl 67", login.read())
        expect(login.state(), "needs sign-in")


def pasted(login, server):
    """The browser is on another machine, and its last address is pasted."""
    sign_in = login.sign_in("--paste")
    at = by_browser(login, sign_in.address())
    expect_quiet(sign_in.end(typed=at + "\n"), login)
    reads_and_renews(login, server)


def delegate(login, server):
    """Somebody else signs in, whom upstream lets open the mailbox: kept, and said."""
    told = somebody(login, "delegate", 0)
    expect_in(f"{PEOPLE['delegate']['name']} has signed in, not {login.mailbox}", told)
    reads_and_renews(login, server)


def nameless(login, server):
    """The server tells no name, and upstream lets them open the mailbox: kept, and said."""
    expect_in("somebody whom the provider does not name has signed in", somebody(login, "nameless", 0))
    reads_and_renews(login, server)


def stranger(login, _server):
    """Somebody else signs in, whom upstream does not let open the mailbox: refused, and nothing is kept."""
    told = somebody(login, "stranger", 2)
    expect_in(f"{PEOPLE['stranger']['name']} has signed in, not {login.mailbox}", told)
    expect_in("nothing was kept", told)
    nobody_is_signed_in(login)


def declined(login, _server):
    """The person does not consent: told, and nothing is kept."""
    sign_in = login.sign_in("--no-browser")
    window = Browser(login.certificates / "ca.pem")
    expect_in("Not signed in", window.land(window.sign_in(sign_in.address(), declines=True)))
    expect_in("access_denied", sign_in.end(2))
    nobody_is_signed_in(login)


def nobody_is_signed_in(login):
    """No login, and the state that says why."""
    expect_in("curl 67", login.read())
    expect(login.state(), "needs sign-in")
    login.restart()
    expect(login.state(), "needs sign-in")


def by_browser(login, address, person=None):
    """The address at which the browser ends."""
    return Browser(login.certificates / "ca.pem").sign_in(address, person)


def somebody(login, person, code):
    """A person of another name signs in; what the command tells."""
    sign_in = login.sign_in("--no-browser")
    Browser(login.certificates / "ca.pem").land(by_browser(login, sign_in.address(), person))
    return sign_in.end(code)


def reads_and_renews(login, server):
    """Mail with the sign-in's own token, and after a restart with one that is got for the refresh token that was kept."""
    login.must_read()
    expect(granted(login, server, "refresh_token"), 0)
    for number in (1, 2):
        login.restart()
        login.must_read()
        expect_renewals(login, server, number)


def expect_renewals(login, server, number):
    """So many, and no refresh token was refused or its family revoked."""
    expect(granted(login, server, "refresh_token"), number)
    refused = [one for one in server.events(login.registration.name, "refused") if one.get("grant") == "refresh_token"]
    expect(refused + server.events(login.registration.name, "revoked"), [])


def expect_quiet(told, login):
    """The one who signed in is the one who was meant: nothing to note, and no probe of the mailbox."""
    expect_in(f"{login.mailbox} is signed in as {login.mailbox}", told)
    expect("Note:" in told or "Looking whether" in told, False)


def granted(login, server, grant_type):
    """How often the server gave tokens in this way."""
    return sum(one.get("grant") == grant_type for one in server.events(login.registration.name, "granted"))


def ask(login, server, form):
    """One request at the token endpoint that is not saslgate's."""
    tls = ssl.create_default_context(cafile=login.certificates / "ca.pem")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        with opener.open(server.token_url, urllib.parse.urlencode(form).encode(), timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


OF_GRANTS = {one.__name__: one for one in (authorization_code, device_code, refresh_token, client_credentials)}
OTHERS = [(one, "authorization_code", "none") for one in (rotation, pasted, delegate, nameless, stranger, declined)]
# Who signs in where somebody else is meant: what the server calls them, and the mailbox that their tokens open.
PEOPLE = {
    "delegate": {"name": "secretary@desk.example", "opens": "delegate@desk.example"},
    "nameless": {"opens": "nameless@desk.example"},
    "stranger": {"name": "mallory@desk.example", "opens": "mallory@desk.example"},
}


def people(registrations):
    """Everybody who may sign in: those, and for each app the person whom it is meant for."""
    return PEOPLE | {one.mailbox: {"name": one.mailbox, "opens": one.mailbox} for one in registrations}


def takes_long(cell):
    """A key to sort by: the longest first."""
    return [rotation, device_code].index(cell.talk) if cell.talk in (rotation, device_code) else 2
