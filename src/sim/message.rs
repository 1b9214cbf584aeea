//! One message: its bytes, shared and never copied, and where its header ends.

use std::sync::{Arc, OnceLock};

use hyper::body::Bytes;

use super::mime::Part;

/// A message as it was delivered. Cloning shares the bytes.
#[derive(Clone)]
pub struct Message(Arc<Inner>);

struct Inner {
    raw: Bytes,
    structure: OnceLock<Part>,
    dots: OnceLock<Vec<usize>>,
}

impl Message {
    /// Takes the bytes as they are, with whatever line ends they have.
    pub fn new(raw: impl Into<Bytes>) -> Self {
        Self(Arc::new(Inner {
            raw: raw.into(),
            structure: OnceLock::new(),
            dots: OnceLock::new(),
        }))
    }

    /// The whole message.
    pub fn raw(&self) -> &Bytes {
        &self.0.raw
    }

    /// Its MIME structure, parsed at the first call.
    pub(crate) fn structure(&self) -> &Part {
        self.0.structure.get_or_init(|| Part::parse(&self.0.raw))
    }

    /// Where a line begins with a dot, which POP3 has to double. Found once, for a message is fetched often.
    pub(crate) fn leading_dots(&self) -> &[usize] {
        self.0.dots.get_or_init(|| {
            let raw = &self.0.raw;
            let dots = raw
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'.')
                .map(|(at, _)| at);
            dots.filter(|at| {
                at.checked_sub(1)
                    .is_none_or(|before| raw.get(before) == Some(&b'\n'))
            })
            .collect()
        })
    }

    /// The header with the empty line that ends it.
    pub(crate) fn header(&self) -> Bytes {
        self.0.raw.slice(..header_length(&self.0.raw))
    }

    /// What follows the header.
    pub(crate) fn body(&self) -> Bytes {
        self.0.raw.slice(header_length(&self.0.raw)..)
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} bytes)", self.0.raw.len())
    }
}

/// Length of the header with the empty line after it; all of `raw` when there is none.
pub(crate) fn header_length(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = raw.get(at..) {
        match rest.iter().position(|byte| *byte == b'\n') {
            None => break,
            Some(length) => {
                at += length + 1;
                if matches!(rest.get(..length), Some(b"" | b"\r")) {
                    return at;
                }
            }
        }
    }
    raw.len()
}

/// Header fields in order: name, and the raw bytes of the field with its folded lines and line end.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let length = field_length(rest)?;
        let (field, after) = rest.split_at_checked(length)?;
        rest = after;
        let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
        Some((name.trim_ascii(), field))
    })
}

/// Length of the first field with its continuation lines (RFC 5322, 2.2.3); `None` at the end of the header.
fn field_length(header: &[u8]) -> Option<usize> {
    if matches!(header, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
        return None;
    }
    let mut at = 0;
    loop {
        let rest = header.get(at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Some(header.len());
        };
        at += length + 1;
        if !matches!(header.get(at), Some(b' ' | b'\t')) {
            return Some(at);
        }
    }
}

/// The unfolded value of the first field called `name`.
pub(crate) fn field(header: &[u8], name: &str) -> Option<Vec<u8>> {
    let (_, raw) = fields(header).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    let colon = raw.iter().position(|byte| *byte == b':')?;
    let value = raw
        .get(colon + 1..)?
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'));
    Some(value.collect::<Vec<u8>>().trim_ascii().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_folded_fields() {
        let message = Message::new(&b"From: a\r\nSubject: one\r\n two\r\n\r\nbody\r\n"[..]);
        assert_eq!(message.header().len() + message.body().len(), message.raw().len());
        assert_eq!(&message.body()[..], b"body\r\n");
        assert_eq!(
            field(&message.header(), "subject").as_deref(),
            Some(&b"one two"[..])
        );
        assert_eq!(fields(&message.header()).count(), 2);
        assert_eq!(header_length(b"no end"), 6);
    }
}
