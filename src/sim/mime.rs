//! The MIME structure of a message (RFC 2045, 2046), as IMAP's FETCH counts its parts.

use std::ops::Range;

use super::message::{field, header_length};

/// Deeper nesting is shown as opaque.
const DEEPEST: usize = 20;

/// One part. The ranges count from the start of the whole message.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// With the empty line that ends it.
    pub(crate) header: Range<usize>,
    pub(crate) body: Range<usize>,
    /// Upper case.
    pub(crate) kind: String,
    /// Upper case.
    pub(crate) subtype: String,
    pub(crate) parameters: Vec<(String, String)>,
    /// Parts of a multipart.
    pub(crate) children: Vec<Part>,
    /// The message inside a message/rfc822.
    pub(crate) embedded: Option<Box<Part>>,
}

impl Part {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        parse(raw, 0..raw.len(), 0, ("TEXT", "PLAIN"))
    }

    pub(crate) fn is_multipart(&self) -> bool {
        !self.children.is_empty()
    }

    /// The part with this number below a message (RFC 3501, 6.4.5: part specifiers).
    pub(crate) fn find(&self, path: &[usize]) -> Option<&Self> {
        let (first, rest) = path.split_first()?;
        let mut part = self.numbered(*first)?;
        for number in rest {
            part = match &part.embedded {
                Some(message) => message.numbered(*number)?,
                None => part.children.get(number.checked_sub(1)?)?,
            };
        }
        Some(part)
    }

    /// A message that isn't multipart has one part, itself.
    fn numbered(&self, number: usize) -> Option<&Self> {
        if self.is_multipart() {
            self.children.get(number.checked_sub(1)?)
        } else {
            (number == 1).then_some(self)
        }
    }
}

fn parse(raw: &[u8], range: Range<usize>, depth: usize, default: (&str, &str)) -> Part {
    let here = raw.get(range.clone()).unwrap_or_default();
    let split = range.start + header_length(here);
    let header = raw.get(range.start..split).unwrap_or_default();
    let content_type = field(header, "Content-Type").unwrap_or_default();
    let (kind, subtype, parameters) = media_type(&String::from_utf8_lossy(&content_type), default);
    let mut part = Part {
        header: range.start..split,
        body: split..range.end,
        kind,
        subtype,
        parameters,
        children: Vec::new(),
        embedded: None,
    };
    if depth < DEEPEST && part.kind == "MULTIPART" {
        part.children = children(raw, &part, depth);
    }
    if part.kind == "MULTIPART" && part.children.is_empty() {
        // Nothing between the boundaries: not what it says it is.
        (part.kind, part.subtype) = ("TEXT".to_owned(), "PLAIN".to_owned());
    } else if depth < DEEPEST && part.kind == "MESSAGE" && part.subtype == "RFC822" {
        part.embedded = Some(Box::new(parse(
            raw,
            part.body.clone(),
            depth + 1,
            ("TEXT", "PLAIN"),
        )));
    }
    part
}

fn children(raw: &[u8], part: &Part, depth: usize) -> Vec<Part> {
    let boundary = part.parameters.iter().find(|(name, _)| name == "BOUNDARY");
    let Some((_, boundary)) = boundary.filter(|(_, boundary)| !boundary.is_empty()) else {
        return Vec::new();
    };
    let default = if part.subtype == "DIGEST" {
        ("MESSAGE", "RFC822")
    } else {
        ("TEXT", "PLAIN")
    };
    between(raw, part.body.clone(), &format!("--{boundary}"))
        .into_iter()
        .map(|range| parse(raw, range, depth + 1, default))
        .collect()
}

/// The ranges between delimiter lines. The line end before a delimiter belongs to it (RFC 2046, 5.1.1).
fn between(raw: &[u8], body: Range<usize>, delimiter: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = body.start;
    while at < body.end {
        let rest = raw.get(at..body.end).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |end| end + 1);
        let line = rest.get(..length).unwrap_or_default();
        if let Some(tail) = line.strip_prefix(delimiter.as_bytes()) {
            let tail = tail.trim_ascii_end();
            if tail.is_empty() || tail == b"--" {
                if let Some(start) = open {
                    ranges.push(start..before_line_end(raw, start, at));
                }
                open = tail.is_empty().then_some(at + length);
                if tail == b"--" {
                    return ranges;
                }
            }
        }
        at += length;
    }
    ranges.extend(open.map(|start| start..body.end));
    ranges
}

fn before_line_end(raw: &[u8], start: usize, end: usize) -> usize {
    let part = raw.get(start..end).unwrap_or_default();
    let line_end = if part.ends_with(b"\r\n") {
        2
    } else {
        usize::from(part.ends_with(b"\n"))
    };
    end - line_end
}

/// Type, subtype and parameters of a Content-Type; the default when there is none.
fn media_type(value: &str, default: (&str, &str)) -> (String, String, Vec<(String, String)>) {
    let (media, parameters) = parameterized(value);
    if let Some((kind, subtype)) = media.split_once('/') {
        return (
            kind.trim().to_ascii_uppercase(),
            subtype.trim().to_ascii_uppercase(),
            parameters,
        );
    }
    let charset = ("CHARSET".to_owned(), "us-ascii".to_owned());
    (default.0.to_owned(), default.1.to_owned(), vec![charset])
}

/// `value; name=value; name="value"`, the names in upper case.
pub(crate) fn parameterized(field: &str) -> (String, Vec<(String, String)>) {
    let mut pieces = split_outside_quotes(field).into_iter();
    let value = pieces.next().unwrap_or_default().trim().to_owned();
    let parameters = pieces.filter_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        let value = value.trim();
        let quoted = value
            .strip_prefix('"')
            .map(|inner| inner.strip_suffix('"').unwrap_or(inner));
        let value = quoted.map_or_else(|| value.to_owned(), |inner| inner.replace("\\\"", "\""));
        Some((name.trim().to_ascii_uppercase(), value))
    });
    (value, parameters.collect())
}

fn split_outside_quotes(field: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    field
        .split(|c| {
            let splits = c == ';' && !quoted;
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && quoted && !escaped;
            splits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=\"b;1\"\r\n\r\npreamble\r\n--b;1\r\n\r\none\r\n--b;1\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner\r\n--b;1--\r\nepilogue\r\n";

    #[test]
    fn parts_of_a_multipart() {
        let root = Part::parse(MIXED.as_bytes());
        let text = |path: &[usize]| root.find(path).map(|part| &MIXED[part.body.clone()]);
        assert_eq!(text(&[1]), Some("one"));
        assert_eq!(text(&[2]), Some("Subject: in\r\n\r\ninner"));
        assert_eq!(text(&[2, 1]), Some("inner"));
        assert_eq!(
            (text(&[3]), text(&[0]), text(&[1, 1]), text(&[2, 2])),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_plain_message_is_its_own_first_part() {
        let raw = b"Subject: x\r\n\r\nhello\r\n";
        let root = Part::parse(raw);
        assert_eq!(
            root.find(&[1]).map(|part| &raw[part.body.clone()]),
            Some(&b"hello\r\n"[..])
        );
        assert!(root.find(&[2]).is_none());
    }
}
