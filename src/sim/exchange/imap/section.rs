//! Sections of a message: what stands between the brackets of `BODY[…]` (RFC 3501, 6.4.5).

use hyper::body::Bytes;

use crate::sim::message::{self, Message};

/// Which bytes of the addressed part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Whole,
    Header,
    Fields { names: Vec<String>, all_but: bool },
    Text,
    Mime,
}

/// A section with its part number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    path: Vec<usize>,
    what: What,
}

impl Section {
    /// Reads what stands between the brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut path = Vec::new();
        while rest.starts_with(|c: char| c.is_ascii_digit()) {
            let (number, after) = rest.split_once('.').unwrap_or((rest, ""));
            path.push(number.parse().ok().filter(|number| *number > 0)?);
            rest = after;
        }
        if !path.is_empty() && text.ends_with('.') {
            return None;
        }
        let upper = rest.to_ascii_uppercase();
        let what = match upper.as_str() {
            "" => What::Whole,
            "HEADER" => What::Header,
            "TEXT" => What::Text,
            "MIME" if !path.is_empty() => What::Mime,
            _ => {
                let (list, all_but) = match upper.strip_prefix("HEADER.FIELDS.NOT ") {
                    Some(list) => (list, true),
                    None => (upper.strip_prefix("HEADER.FIELDS ")?, false),
                };
                let list = list.strip_prefix('(')?.strip_suffix(')')?;
                let names: Vec<String> = list
                    .split_whitespace()
                    .map(|name| name.trim_matches('"').to_owned())
                    .collect();
                (!names.is_empty()).then_some(What::Fields { names, all_but })?
            }
        };
        Some(Self { path, what })
    }

    /// The section's bytes; `None` when the message has no such part.
    pub(super) fn of(&self, message: &Message) -> Option<Bytes> {
        let raw = message.raw();
        if self.path.is_empty() {
            return Some(match &self.what {
                What::Whole | What::Mime => raw.clone(),
                What::Header => message.header(),
                What::Text => message.body(),
                What::Fields { names, all_but } => fields(&message.header(), names, *all_but),
            });
        }
        let part = message.structure().find(&self.path)?;
        let slice = |range: &std::ops::Range<usize>| raw.slice(range.clone());
        match &self.what {
            What::Whole => Some(slice(&part.body)),
            What::Mime => Some(slice(&part.header)),
            What::Header => Some(slice(&part.embedded.as_ref()?.header)),
            What::Text => Some(slice(&part.embedded.as_ref()?.body)),
            What::Fields { names, all_but } => {
                Some(fields(&slice(&part.embedded.as_ref()?.header), names, *all_but))
            }
        }
    }
}

/// The named fields, or all but those, and the empty line that every header ends with.
fn fields(header: &[u8], names: &[String], all_but: bool) -> Bytes {
    let is_named = |name: &[u8]| {
        names
            .iter()
            .any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name))
    };
    let mut kept: Vec<u8> = Vec::new();
    for (_, field) in message::fields(header).filter(|(name, _)| is_named(name) != all_but) {
        kept.extend_from_slice(field);
    }
    kept.extend_from_slice(b"\r\n");
    Bytes::from(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_message() {
        let message = Message::new(
            &b"From: a\r\nTo: b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x--\r\n"[..],
        );
        let section = |text: &str| {
            Section::parse(text)
                .and_then(|it| it.of(&message))
                .map(|it| String::from_utf8_lossy(&it).into_owned())
        };
        assert_eq!(section("").map(|it| it.len()), Some(message.raw().len()));
        assert_eq!(section("1").as_deref(), Some("one"));
        assert_eq!(
            section("1.MIME").as_deref(),
            Some("Content-Type: text/plain\r\n\r\n")
        );
        assert_eq!(section("header.fields (to)").as_deref(), Some("To: b\r\n\r\n"));
        assert_eq!(
            section("HEADER.FIELDS.NOT (To Content-Type)").as_deref(),
            Some("From: a\r\n\r\n")
        );
        assert_eq!((section("2"), section("1.TEXT")), (None, None));
        for wrong in [
            "0",
            "MIME",
            "FOO",
            "HEADER.FIELDS ()",
            "1..2",
            "1.",
            "HEADER.FIELDS To",
        ] {
            assert_eq!(Section::parse(wrong), None, "{wrong}");
        }
    }
}
