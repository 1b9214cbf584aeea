//! The AUTH command, which is the same line in POP3 (RFC 5034 4) and SMTP (RFC 4954 4).

use crate::sasl::exchange;

/// What stands behind the verb.
pub(super) struct Auth<'a> {
    /// The mechanism's name; empty if there is none.
    pub(super) mechanism: &'a [u8],
    /// The initial response, if there is one.
    pub(super) response: Option<&'a [u8]>,
}

impl<'a> Auth<'a> {
    pub(super) fn parse(argument: &'a [u8]) -> Self {
        // Spaces are counted by nobody here: some mail clients leave one where an initial response would stand.
        let (mechanism, response) = split_word(argument.trim_ascii());
        let response = response.trim_ascii_start();
        Self {
            mechanism,
            response: (!response.is_empty()).then_some(response),
        }
    }

    /// The same as a transcript shows it, from the space before the mechanism.
    pub(super) fn shown(&self) -> String {
        let name = match exchange::mechanism_name(self.mechanism) {
            _ if self.mechanism.is_empty() => String::new(),
            Some(name) => format!(" {name}"),
            None => " ***".into(),
        };
        let response = if self.response.is_some() { " ***" } else { "" };
        format!("{name}{response}")
    }
}

/// Whether the line that is coming in is an AUTH command, which may be longer than others.
pub(super) fn is_coming(waiting: &[u8]) -> bool {
    waiting
        .get(..5)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"AUTH "))
}

/// A word, and all behind the one space after it.
pub(super) fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == b' ') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, b""),
    }
}
