//! A mail about alerts (RFC 5322): plain text, in the words of the log.

use std::fmt::Write as _;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::alert::Alert;
use super::clock::rfc5322;
use crate::name::{Mailbox, shown};

/// RFC 5322 2.1.1: no line is longer, in bytes.
const LONGEST_LINE: usize = 998;

/// RFC 2045 6.8: characters of one line of base64.
const BASE64_LINE: usize = 76;

/// RFC 2047 2: an encoded word has at most 75 characters; so many bytes fit into it with its frame.
const WORD: usize = 45;

/// Characters of a subject: what phones show.
const SUBJECT: usize = 150;

/// Who writes to whom, from which machine, and when.
pub(super) struct Envelope<'a> {
    pub(super) from: &'a Mailbox,
    pub(super) to: &'a [Mailbox],
    pub(super) host: &'a str,
    pub(super) now: SystemTime,
    /// What no other mail has.
    pub(super) id: String,
}

impl Envelope<'_> {
    /// The whole message, with CRLF and without the dots of SMTP.
    pub(super) fn write(&self, alerts: &[Alert]) -> String {
        let to: Vec<_> = self.to.iter().map(|to| format!("<{to}>")).collect();
        let domain = self
            .from
            .as_str()
            .rsplit_once('@')
            .map_or("localhost", |(_, of)| of);
        let (encoding, body) = encoded(&self.body(alerts));
        // RFC 3834 5: no out-of-office reply comes back.
        format!(
            "From: saslgate <{from}>\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}@{domain}>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n{body}",
            from = self.from,
            to = to.join(",\r\n "),
            subject = header(&self.subject(alerts)),
            date = rfc5322(self.now),
            id = self.id,
        )
    }

    fn subject(&self, alerts: &[Alert]) -> String {
        let first = alerts.first().map(Alert::about).unwrap_or_default();
        let more = match alerts.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let about = shown(first.as_bytes(), SUBJECT);
        format!("saslgate on {}: {about}{more}", self.host)
    }

    fn body(&self, alerts: &[Alert]) -> String {
        let mut text: String = alerts.iter().map(|alert| alert.paragraph() + "\n").collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "saslgate {} on {}. `saslgate status` shows how everything stands now.",
            env!("CARGO_PKG_VERSION"),
            self.host
        );
        text
    }
}

/// The body as every mail server takes it, and how that is called.
fn encoded(text: &str) -> (&'static str, String) {
    if text.is_ascii() && text.lines().all(|line| line.len() <= LONGEST_LINE) {
        return ("7bit", text.replace('\n', "\r\n"));
    }
    let coded = BASE64_STANDARD.encode(text.replace('\n', "\r\n"));
    let lines = coded.as_bytes().chunks(BASE64_LINE).map(String::from_utf8_lossy);
    ("base64", lines.map(|line| line.into_owned() + "\r\n").collect())
}

/// A header's text: in encoded words (RFC 2047) where it is not ASCII.
fn header(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > WORD) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn letter(alerts: &[Alert]) -> String {
        let address = |text| Mailbox::parse(text).unwrap();
        let to = [address("ops@example.org"), address("boss@example.org")];
        let envelope = Envelope {
            from: &address("gate@contoso.com"),
            to: &to,
            host: "gate.example",
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_599),
            id: "0123".into(),
        };
        envelope.write(alerts)
    }

    #[test]
    fn a_mail_has_what_the_rfcs_want_and_says_what_why_and_fix() {
        let mail = letter(&[Alert::reload_refused("line 3: no"), Alert::store_saved()]);
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            "From: saslgate <gate@contoso.com>\r\nTo: <ops@example.org>,\r\n <boss@example.org>\r\n\
             Subject: saslgate on gate.example: configuration: refused and 1 more\r\n\
             Date: Wed, 31 Dec 2025 23:59:59 +0000\r\nMessage-ID: <0123@contoso.com>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit"
        );
        assert!(
            body.contains("  why:  line 3: no\r\n  fix:  `saslgate check` shows"),
            "{body}"
        );
        assert!(body.contains("token store: ready\r\n"), "{body}");
        assert!(!body.replace("\r\n", "").contains(['\r', '\n']));
    }

    #[test]
    fn what_is_not_ascii_or_too_long_is_encoded() {
        for problem in ["Zeile 3: ungültig".to_owned(), "x".repeat(2_000)] {
            let mail = letter(&[Alert::reload_refused(&problem)]);
            assert!(mail.is_ascii());
            let (head, body) = mail.split_once("\r\n\r\n").unwrap();
            assert!(
                head.ends_with("base64") && mail.lines().all(|line| line.len() <= 78),
                "{mail}"
            );
            let text = BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap();
            assert!(String::from_utf8(text).unwrap().contains(&problem));
        }
        let mail = letter(&[Alert::rate_near(
            "jürgen.von.und.zu.irgendwo@straßenbahn.example",
            "a",
            "b",
            "c",
        )]);
        let subject = mail
            .split("Subject: ")
            .nth(1)
            .unwrap()
            .split("\r\nDate")
            .next()
            .unwrap();
        let words = subject.split("\r\n ").map(|word| {
            assert!(word.len() <= 75, "{word}");
            let coded = word
                .strip_prefix("=?utf-8?B?")
                .unwrap()
                .strip_suffix("?=")
                .unwrap();
            String::from_utf8(BASE64_STANDARD.decode(coded).unwrap()).unwrap()
        });
        assert_eq!(
            words.collect::<String>(),
            "saslgate on gate.example: jürgen.von.und.zu.irgendwo@straßenbahn.example: near"
        );
    }
}
