//! Redirect URIs: which one is registered, and what a browser is sent back with.

use std::fmt::Write as _;

use crate::sim::directory::{App, Platform};

/// The longest one that the portal takes.
const LONGEST: usize = 256;

/// An URI taken apart as far as the comparison needs it.
#[derive(PartialEq, Eq)]
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    /// Query included; `/` when there is none.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        Some(Self {
            scheme,
            host,
            port,
            path: if path.is_empty() { "/" } else { path },
        })
    }

    /// Everything to the letter, except that the port of `http://localhost` may differ where that is allowed.
    fn matches(&self, registered: &Self, any_port: bool) -> bool {
        let port_is_free = any_port && self.scheme == "http" && self.host == "localhost";
        self.scheme == registered.scheme
            && self.host == registered.host
            && self.path == registered.path
            && (port_is_free || self.port == registered.port)
    }
}

/// The platform under which this URI is registered; `None` when it is not. `web_any_port` says whether the port of
/// `localhost` is free under "Web" too, which is not settled.
pub(in crate::sim::entra) fn platform(app: &App, uri: &str, web_any_port: bool) -> Option<Platform> {
    if uri.len() > LONGEST || uri.contains('#') {
        return None;
    }
    let offered = Parts::of(uri)?;
    let fits = |platform, registered: &str| {
        let any_port = platform != Platform::Web || web_any_port;
        Parts::of(registered).is_some_and(|registered| offered.matches(&registered, any_port))
    };
    app.redirects
        .iter()
        .find(|it| fits(it.platform, &it.uri))
        .map(|it| it.platform)
}

/// The URI with parameters behind `?` or `#`. One without a path gets its slash.
pub(super) fn with(uri: &str, separator: char, parameters: &[(&str, String)]) -> String {
    let mut target = uri.to_owned();
    if Parts::of(uri).is_some_and(|parts| parts.path == "/") && !uri.ends_with('/') {
        target.push('/');
    }
    for (at, (name, value)) in parameters.iter().enumerate() {
        target.push(match at {
            0 if separator == '?' && uri.contains('?') => '&',
            0 => separator,
            _ => '&',
        });
        target.push_str(name);
        target.push('=');
        encode(&mut target, value);
    }
    target
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986, 2.3).
fn encode(target: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_localhost_and_nothing_else_is_free() {
        let app = App::new("c", "t")
            .redirect(Platform::Native, "http://localhost")
            .redirect(Platform::Native, "http://localhost/path")
            .redirect(Platform::Web, "http://localhost:8425/web")
            .redirect(Platform::Web, "https://mail.example/callback?a=1");
        let registered = [
            ("http://localhost:5000", Platform::Native),
            ("http://localhost:5000/", Platform::Native),
            ("http://localhost/path", Platform::Native),
            ("http://localhost:8425/web", Platform::Web),
            ("https://mail.example/callback?a=1", Platform::Web),
        ];
        for (uri, kind) in registered {
            assert_eq!(platform(&app, uri, false), Some(kind), "{uri}");
        }
        let wrong = [
            "http://localhost/Path",
            "http://localhost/path/",
            "https://localhost/path",
            "http://127.0.0.1/path",
            "http://localhost:5000/web",
            "http://localhost:5000/#",
            "https://mail.example/callback",
            "localhost",
        ];
        for uri in wrong {
            assert_eq!(platform(&app, uri, false), None, "{uri}");
        }
        assert_eq!((registered.len(), wrong.len()), (5, 8));
        assert!(platform(&app, "http://localhost:5000/web", true).is_some());
    }

    #[test]
    fn parameters_behind_what_is_there() {
        let state = [("state", "a b/c".to_owned())];
        assert_eq!(
            with("http://localhost:1", '?', &state),
            "http://localhost:1/?state=a%20b%2Fc"
        );
        assert_eq!(
            with("http://h/p?x=1", '?', &state),
            "http://h/p?x=1&state=a%20b%2Fc"
        );
        assert_eq!(with("http://h/p", '#', &state), "http://h/p#state=a%20b%2Fc");
    }
}
