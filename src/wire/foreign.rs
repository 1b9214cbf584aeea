//! Other protocols' opening words: a browser, a scanner or a mail client on the wrong port is told apart on its first line.

use std::fmt;

use crate::provider::Protocol;

/// A protocol that does not belong on the port where it spoke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Foreign {
    /// A web browser or what drives one: ports such as 1143 are not on the browsers' block list.
    Http,
    /// A TLS handshake where TLS does not start with the first byte.
    Tls,
    /// A PROXY protocol header from a balancer that nobody declared.
    ProxyHeader,
    /// Another mail protocol.
    Mail(Protocol),
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::ProxyHeader => "the PROXY protocol",
            Self::Mail(Protocol::Imap) => "IMAP",
            Self::Mail(Protocol::Pop3) => "POP3",
            Self::Mail(Protocol::Smtp) => "SMTP",
        })
    }
}

/// First byte of a TLS record with a handshake in it (RFC 8446 5.1). No mail protocol starts a command with it.
const TLS_HANDSHAKE: u8 = 0x16;

const HTTP_METHODS: &[&str] = &[
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PRI", "PUT", "TRACE",
];
const IMAP_VERBS: &[&str] = &[
    "AUTHENTICATE",
    "CAPABILITY",
    "ENABLE",
    "ID",
    "LOGIN",
    "LOGOUT",
    "NOOP",
    "SELECT",
    "STARTTLS",
];
const POP3_VERBS: &[&str] = &["APOP", "CAPA", "PASS", "STAT", "STLS", "USER"];
const SMTP_VERBS: &[&str] = &["EHLO", "HELO", "LHLO", "MAIL", "RCPT", "XCLIENT"];

impl Foreign {
    /// A foreign protocol recognised by its first byte, which may never be followed by a line end.
    pub fn by_first_byte(byte: u8) -> Option<Self> {
        (byte == TLS_HANDSHAKE).then_some(Self::Tls)
    }

    /// A foreign protocol recognised by the first line on a port of `home`.
    pub fn by_first_line(home: Protocol, line: &[u8]) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        let mut words = text.split(' ');
        let first = words.next()?.to_ascii_uppercase();
        let second = words.next().map(str::to_ascii_uppercase);
        // `GET NOOP` is a well-formed IMAP command whose tag is GET.
        let second_is_imap = second.as_deref().is_some_and(|word| IMAP_VERBS.contains(&word));
        if home == Protocol::Imap && second_is_imap {
            return None;
        }
        if is_http(&first, second.is_some(), text) {
            return Some(Self::Http);
        }
        if first == "PROXY" && second.is_some() {
            return Some(Self::ProxyHeader);
        }
        Self::mail(home, &first, second_is_imap)
    }

    fn mail(home: Protocol, first: &str, second_is_imap: bool) -> Option<Self> {
        let spoken = if POP3_VERBS.contains(&first) {
            Protocol::Pop3
        } else if SMTP_VERBS.contains(&first) {
            Protocol::Smtp
        } else if second_is_imap && !matches!(first, "AUTH" | "HELP" | "NOOP" | "VRFY") {
            Protocol::Imap
        } else {
            return None;
        };
        (spoken != home).then_some(Self::Mail(spoken))
    }
}

fn is_http(first: &str, has_target: bool, text: &str) -> bool {
    (HTTP_METHODS.contains(&first) && has_target) || (first == "HOST:") || text.contains(" HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_told_apart() {
        use Protocol::{Imap, Pop3, Smtp};
        let cases: &[(Protocol, &str, Option<Foreign>)] = &[
            (Imap, "GET / HTTP/1.1", Some(Foreign::Http)),
            (Pop3, "POST / HTTP/1.1", Some(Foreign::Http)),
            (Smtp, "OPTIONS * HTTP/1.1", Some(Foreign::Http)),
            (Smtp, "PRI * HTTP/2.0", Some(Foreign::Http)),
            (Imap, "Host: 127.0.0.1:1143", Some(Foreign::Http)),
            (Imap, "GET NOOP", None),
            (Imap, "EHLO x", Some(Foreign::Mail(Smtp))),
            (Imap, "USER bob", Some(Foreign::Mail(Pop3))),
            (Pop3, "EHLO x", Some(Foreign::Mail(Smtp))),
            (Pop3, "a1 LOGIN u p", Some(Foreign::Mail(Imap))),
            (Smtp, "a1 CAPABILITY", Some(Foreign::Mail(Imap))),
            (Smtp, "CAPA", Some(Foreign::Mail(Pop3))),
            (Smtp, "AUTH LOGIN", None),
            (Pop3, "AUTH LOGIN", None),
            (Smtp, "ehlo id", None),
            (Imap, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2", Some(Foreign::ProxyHeader)),
            (Smtp, "XCLIENT LOGIN=admin", None),
        ];
        for (home, line, expected) in cases {
            assert_eq!(
                Foreign::by_first_line(*home, line.as_bytes()),
                *expected,
                "{home}: {line}"
            );
        }
        assert_eq!(cases.len(), 17);
    }
}
