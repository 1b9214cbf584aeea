//! Cookies: which there are, and what a browser may do with them.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::secret::Secret;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cookie {
    /// Of an operator who has logged in.
    Session,
    /// Of somebody who sees a form and has not logged in: what its token is bound to.
    Visit,
    /// Of a browser that is signing somebody in. It comes back from another site, with which a browser sends no strict cookie.
    SignIn,
}

impl Cookie {
    /// Its name. RFC 6265bis 4.1.3.2: a browser takes `__Host-` from nobody but this very host, over TLS.
    pub(super) const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-saslgate-session",
            (Self::Session, false) => "saslgate-session",
            (Self::Visit, true) => "__Host-saslgate-visit",
            (Self::Visit, false) => "saslgate-visit",
            (Self::SignIn, true) => "__Host-saslgate-sign-in",
            (Self::SignIn, false) => "saslgate-sign-in",
        }
    }

    /// What of it a request brings. One that is there twice was put there by somebody else, and neither is taken.
    pub(super) fn of(self, headers: &HeaderMap, secure: bool) -> Option<Secret<String>> {
        let lines = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == self.name(secure));
        let (_, value) = ours.next()?;
        ours.next().is_none().then(|| Secret::new(value.to_owned()))
    }

    /// Hands it to a browser.
    pub(super) fn set(self, value: &Secret<String>, secure: bool) -> HeaderValue {
        self.line(value.expose(), secure, "")
    }

    /// Takes it back.
    pub(super) fn clear(self, secure: bool) -> HeaderValue {
        self.line("", secure, "; Max-Age=0")
    }

    fn line(self, value: &str, secure: bool, more: &str) -> HeaderValue {
        let site = match self {
            Self::Session | Self::Visit => "Strict",
            Self::SignIn => "Lax",
        };
        let name = self.name(secure);
        let tls = if secure { "; Secure" } else { "" };
        let line = format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{tls}{more}");
        let mut line = HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""));
        line.set_sensitive(true);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_name_is_taken_and_two_are_not() {
        let table = [
            ("saslgate-session=a", Some("a")),
            ("other=1; saslgate-session=a", Some("a")),
            ("saslgate-session=a; saslgate-session=b", None),
            ("__Host-saslgate-session=a", None),
            ("xsaslgate-session=a", None),
            ("saslgate-session", None),
        ];
        for (line, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            let found = Cookie::Session.of(&headers, false);
            assert_eq!(
                found.as_ref().map(|found| found.expose().as_str()),
                expected,
                "{line}"
            );
        }
        assert_eq!(table.len(), 6);
    }
}
