//! Names from outside, checked once: what a mail client calls itself, and which mailbox it opens.

use std::fmt;

/// The longest name accepted, in bytes: RFC 5321 4.5.3.1.3 allows a path of 256 octets with its brackets.
pub const MAX_NAME: usize = 254;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_NAME`] bytes.
    #[error("the name is longer than {MAX_NAME} bytes")]
    TooLong,
    /// Not UTF-8; names are never guessed from Latin-1, because a guess could open another mailbox.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// A control character or line separator: U+0001 separates the fields of an XOAUTH2 message, CR and LF separate commands.
    #[error("the name contains a control character")]
    Control,
}

/// The name that a mail client types, ASCII case folded.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LoginName(Box<str>);

impl LoginName {
    /// Checks and folds a name as it came over the wire or from a configuration.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        Ok(Self(checked(bytes)?.to_ascii_lowercase().into()))
    }

    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `@`, if there is one.
    pub fn domain(&self) -> Option<&str> {
        self.0.rsplit_once('@').map(|(_, domain)| domain)
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox address as XOAUTH2 sends it, spelled as the operator or the mail client spelled it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Mailbox(Box<str>);

impl Mailbox {
    /// Checks an address. Its syntax is Exchange's business; that it cannot break out of its field is ours.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Ok(Self(checked(text.as_bytes())?.into()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same mailbox: Exchange ignores ASCII case.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked(bytes: &[u8]) -> Result<&str, NameError> {
    if bytes.is_empty() {
        return Err(NameError::Empty);
    }
    if bytes.len() > MAX_NAME {
        return Err(NameError::TooLong);
    }
    let text = str::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
    if text.chars().any(acts) {
        return Err(NameError::Control);
    }
    Ok(text)
}

/// Whether a character would act on a terminal, a log or a protocol instead of standing for itself.
pub fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Text from outside made safe to show in a log or on a terminal: one line, at most `cap` characters,
/// nothing in it acts. Bytes that are not UTF-8 become U+FFFD.
pub fn shown(bytes: &[u8], cap: usize) -> String {
    let mut text = String::new();
    // A character takes at most four bytes, so this reads enough and never the whole of a huge input.
    let head = &bytes[..bytes.len().min(cap.saturating_mul(4).saturating_add(4))];
    for c in String::from_utf8_lossy(head).chars() {
        if text.chars().count() >= cap {
            text.push('…');
            break;
        }
        if acts(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// Which of the known names somebody may have meant who typed another one. Addresses of one domain are much alike, and whoever
/// is led to another mailbox signs in to that: two letters may differ, no more.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const ALIKE: usize = 2;
    let typed = typed.to_ascii_lowercase();
    let by_distance = known.into_iter().map(|known| {
        (
            strsim::damerau_levenshtein(&typed, &known.to_ascii_lowercase()),
            known,
        )
    });
    by_distance
        .min()
        .filter(|(distance, _)| *distance <= ALIKE)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_out_of_their_field_are_refused() {
        let refused: &[(&[u8], NameError)] = &[
            (b"", NameError::Empty),
            (&[b'a'; MAX_NAME + 1], NameError::TooLong),
            (b"bo\xffb", NameError::NotUtf8),
            (b"bob\xe2\x82", NameError::NotUtf8),
            (b"victim@x\x01auth=Bearer EVIL\x01\x01", NameError::Control),
            (b"bob\r\nA1 LOGOUT", NameError::Control),
            (b"bo\0b", NameError::Control),
            (b"\x1b[2J", NameError::Control),
            (b"bob\x7f", NameError::Control),
            ("bob\u{85}".as_bytes(), NameError::Control),
            ("bob\u{2028}".as_bytes(), NameError::Control),
        ];
        for (name, why) in refused {
            assert_eq!(LoginName::parse(name), Err(*why), "{name:?}");
        }
        assert_eq!(refused.len(), 11);
    }

    #[test]
    fn a_login_is_folded_in_ascii_only() {
        let name = LoginName::parse("Ärger@Contoso.COM".as_bytes()).unwrap();
        assert_eq!(name.as_str(), "Ärger@contoso.com");
        assert_eq!(name.domain(), Some("contoso.com"));
    }

    #[test]
    fn outside_text_is_shown_on_one_line_and_cut() {
        assert_eq!(shown(b"a\r\nINFO ok\x1b[2J", 100), r"a\r\nINFO ok\u{1b}[2J");
        assert_eq!(shown("ä".repeat(300).as_bytes(), 3), "äää…");
        assert_eq!(shown(b"bo\xffb", 9), "bo\u{fffd}b");
    }
}
