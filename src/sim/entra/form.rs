//! `application/x-www-form-urlencoded`, read strictly: encoded once, each name once.

use super::error::{self, EntraError};

/// The parameters of one request body, in order.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body. Everything outside the unreserved characters has to be percent-encoded (WHATWG URL, 5.2).
    pub(super) fn parse(body: &[u8]) -> Result<Self, EntraError> {
        let text = std::str::from_utf8(body).map_err(|_| error::malformed())?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|_| !text.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(error::malformed)?;
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(error::malformed());
            };
            if pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(error::duplicated(&name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of `name`, if it was sent and isn't empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// The value of a parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, EntraError> {
        self.get(name).ok_or_else(|| error::missing(name))
    }

    /// The first name that is not among `known`.
    pub(super) fn stranger(&self, known: &[&str]) -> Option<&str> {
        self.0
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| !known.contains(name))
    }
}

/// Takes one layer of percent-encoding away; `None` when a character should have been encoded and was not.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'*' | b'-' | b'.' | b'_' | b'~' => byte,
            byte if byte.is_ascii_alphanumeric() => byte,
            _ => return None,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_layer_and_nothing_raw() {
        assert_eq!(decode("a%2Fb+c%7E~").as_deref(), Some("a/b c~~"));
        assert_eq!(decode("a%252F").as_deref(), Some("a%2F"));
        let bad = ["a/b", "a b", "%4", "%zz", "https://x", "%ff", "\u{e9}"];
        assert_eq!(
            bad.iter().filter(|text| decode(text).is_none()).count(),
            bad.len()
        );
    }

    #[test]
    fn refuses_what_came_twice() {
        assert_eq!(Form::parse(b"a=1&b=2&a=1").err().map(|e| e.code), Some(9_000_411));
        assert_eq!(Form::parse(b"a").err().map(|e| e.code), Some(9_002_313));
        assert!(Form::parse(b"").is_ok());
    }
}
