"""A person at a browser: follows every redirect, fills in every form, until there is none or it leads back to an app."""

import ssl
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar

# A sign-in of oidc-provider has five pages at most.
MOST = 20


class Landed(Exception):
    """The browser was sent to a redirect URI, which is not opened by itself: its address is what was wanted."""

    def __init__(self, address):
        super().__init__(address)
        self.address = address


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows what stays with the provider."""

    def redirect_request(self, request, body, code, message, headers, address):
        if address.startswith("http://"):
            raise Landed(address)
        return super().redirect_request(request, body, code, message, headers, address)


class Page(HTMLParser):
    """The first form of a page, and the link that declines."""

    def __init__(self, address, text):
        super().__init__()
        self.address, self.text = address, text
        self.action, self.fields, self.decline = None, {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        at = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = urllib.parse.urljoin(self.address, at.get("action", ""))
        elif tag == "input" and at.get("name"):
            self.fields[at["name"]] = at.get("value", "")
        elif tag == "a" and at.get("href", "").endswith("/abort"):
            self.decline = urllib.parse.urljoin(self.address, at["href"])


class Browser:
    """One window, with cookies of its own."""

    def __init__(self, ca):
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        direct = urllib.request.ProxyHandler({})
        self.opener = urllib.request.build_opener(direct, tls, cookies, Redirects())

    def open(self, address, form=None):
        """One page."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        with self.opener.open(address, data, timeout=30) as reply:
            return Page(reply.geturl(), reply.read().decode())

    def sign_in(self, address, person=None, code=None, declines=False):
        """Signs in as `person`, or as whoever stands in the form already, and consents. Returns the address at which it
        ends: a redirect URI, or a last page without a form."""
        try:
            page = self.open(address)
            for _ in range(MOST):
                if page.action is None:
                    return page.address
                if declines and page.fields.get("prompt") == "consent":
                    page = self.open(page.decline)
                else:
                    page = self.open(page.action, filled(page.fields, person, code))
        except Landed as landed:
            return landed.address
        raise RuntimeError(f"the sign-in has no end: {page.text[:2000]}")

    def land(self, address):
        """Opens a redirect URI and returns what the person then sees."""
        with self.opener.open(address, timeout=60) as reply:
            return reply.read().decode()


def filled(fields, person, code):
    """What the person types; what is there already stays."""
    typed = dict(fields)
    if "password" in fields:
        typed |= {"password": "any", "login": person or fields["login"]}
    if not fields.get("user_code", True):
        typed["user_code"] = code
    return typed
