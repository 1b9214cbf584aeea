//! The client secret's Value.

use crate::oauth::authority::is_guid;
use crate::secret::Secret;

/// The longest that is taken, in bytes; Entra ID's have 40 characters.
const LONGEST: usize = 1_024;

/// The shortest, in bytes: Entra ID's were never shorter, and a word such as "none" is no secret.
const SHORTEST: usize = 16;

/// Reads a client secret. Nothing of it is repeated.
pub(in super::super) fn client_secret(typed: &str) -> Result<Secret<String>, String> {
    const WHERE: &str = "copy the column Value of Certificates & secrets; it is shown only once, so make a new one if it is lost";
    let typed = typed.trim();
    if is_guid(typed) {
        return Err(format!(
            "that is a GUID, as the Secret ID is, and no Value: {WHERE}"
        ));
    }
    if typed.contains(char::is_whitespace) || typed.chars().any(char::is_control) {
        return Err(format!("a space is in it, which no client secret has: {WHERE}"));
    }
    if typed.len() < SHORTEST {
        return Err(format!("that is too short for a client secret: {WHERE}"));
    }
    if typed.len() > LONGEST {
        return Err(format!("that is too long for a client secret: {WHERE}"));
    }
    Ok(Secret::new(typed.to_owned()))
}

/// Whether a text could be a secret's Value, in a place where none belongs: Entra ID's have 40 characters of several kinds,
/// and a tilde among the first.
pub(super) fn is_like_a_value(text: &str) -> bool {
    // A GUID that was not copied whole.
    if text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return false;
    }
    let is_of_value = |byte: u8| byte.is_ascii_alphanumeric() || b"~._-+/=".contains(&byte);
    (30..=64).contains(&text.len())
        && text.bytes().all(is_of_value)
        && (text.contains('~') || !text.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_and_a_secret_id_is_not() {
        let value = "gU8Q~a.Value_as-the-portal~shows/it+once=";
        assert_eq!(client_secret(&format!(" {value}\n")).unwrap().expose(), value);
        let cases = [
            ("0a0b0c0d-1111-2222-3333-444455556666".to_owned(), "Secret ID"),
            ("two words".into(), "a space"),
            ("none".into(), "too short"),
            ("x".repeat(2_000), "too long"),
        ];
        for (typed, word) in &cases {
            let error = client_secret(typed).unwrap_err();
            assert!(error.contains(word), "{error}");
            assert!(!error.contains(typed.as_str()), "{error}");
        }
        assert_eq!(cases.len(), 4);
    }

    #[test]
    fn names_and_domains_are_not_taken_for_a_secret() {
        let cases = [
            ("gU8Q~a.Value_as-the-portal~shows.it-once", true),
            ("abcdefghijklmnopqrstuvwxyz0123456789abcd", true),
            ("mail.of.a.company.with.a.long.name.example.com", false),
            ("a0b0c0d-1111-2222-3333-444455556666", false),
            ("saslgate", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_like_a_value(text), expected, "{text}");
        }
    }
}
