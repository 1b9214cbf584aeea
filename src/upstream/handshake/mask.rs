//! Keeps a token out of everything that is shown, also where an upstream quotes it back.

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// What stands for a token.
pub(super) const MASK: &str = "***";

/// A run of characters that shares this many with a token is taken for a piece of it. No word of a reply does so by chance.
const WINDOW: usize = 12;

/// The token of this handshake and the message that carried it.
pub(super) struct Mask {
    token: Secret<String>,
    response: Zeroizing<Vec<u8>>,
}

impl Mask {
    pub(super) fn new(token: &Secret<String>, response: Zeroizing<Vec<u8>>) -> Self {
        Self {
            token: Secret::new(token.expose().clone()),
            response,
        }
    }

    /// The text, with every run of it masked that the token or its base64 form contains in part.
    pub(super) fn apply(&self, text: &str) -> String {
        let text = text.replace(self.token.expose(), MASK);
        let windows: HashSet<&[u8]> = [self.token.expose().as_bytes(), &self.response]
            .into_iter()
            .flat_map(|secret| secret.windows(WINDOW))
            .collect();
        text.split_inclusive(|c| !is_token(c))
            .map(|piece| {
                let run = piece.trim_end_matches(|c| !is_token(c));
                let quoted = run.as_bytes().windows(WINDOW).any(|part| windows.contains(part));
                if quoted {
                    format!("{MASK}{}", &piece[run.len()..])
                } else {
                    piece.to_owned()
                }
            })
            .collect()
    }
}

/// RFC 6750 2.1 b64token, which covers base64 and JWTs.
const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_token_is_masked_whole_or_in_part() {
        let token = Secret::new(String::from("eyJ0eXAiOiJKV1QiLCJub25jZSI6.abcdefgh-ijkl_mn"));
        let response = Zeroizing::new(b"dXNlcj1hQHgBYXV0aD1CZWFyZXIgZXlKMGVYQWk=".to_vec());
        let mask = Mask::new(&token, response);
        let cases = [
            ("NO AUTHENTICATE failed.", "NO AUTHENTICATE failed."),
            ("bad eyJ0eXAiOiJKV1QiLCJub25jZSI6.abcdefgh-ijkl_mn", "bad ***"),
            ("bad <eyJ0eXAiOiJKV1QiLCJ>...", "bad <***>..."),
            ("[dXNlcj1hQHgBYXV0aD1CZWFyZXIgZXlKMGVYQWk=] x", "[***] x"),
            ("unknown dXNlcj1hQHgBYXV0aD1C", "unknown ***"),
            ("eyJ0eXA is too short to matter", "eyJ0eXA is too short to matter"),
            ("", ""),
        ];
        for (said, shown) in cases {
            assert_eq!(mask.apply(said), shown);
        }
        assert_eq!(cases.len(), 7);
    }

    #[test]
    fn a_token_shorter_than_the_window_is_masked_whole() {
        let mask = Mask::new(&Secret::new(String::from("s3cr3t")), Zeroizing::default());
        assert_eq!(mask.apply("535 bad token s3cr3t!"), "535 bad token ***!");
    }
}
