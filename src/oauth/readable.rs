//! Text from a provider, a gateway or a command, made fit for a log: one line, bounded, without secrets.

use url::form_urlencoded;

use crate::name;

/// What stands where a secret stood.
const HIDDEN: &str = "[hidden]";

/// From here on a word with letters of both cases and digits is taken for a secret. Entra ID's client secrets
/// have 40 characters and tokens many more; its trace ids have 36, but in one case only.
const SECRET_LENGTH: usize = 32;

/// The text on one line of at most `cap` characters, without the given secrets and without any word that
/// looks like one: `sh -x` and talkative gateways repeat what they were sent.
pub(super) fn readable(text: &str, secrets: &[&str], cap: usize) -> String {
    let mut text = text.to_owned();
    // Before anything is cut or folded: half a secret would not be found any more.
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(*secret, HIDDEN);
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        text = text.replace(&encoded, HIDDEN);
    }
    let words: Vec<String> = text.split_whitespace().map(without_secrets).collect();
    name::shown(words.join(" ").as_bytes(), cap)
}

/// The word with each part that looks like a secret replaced.
fn without_secrets(word: &str) -> String {
    let mut shown = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let part = rest.find(|c| !in_secrets(c)).unwrap_or(rest.len());
        shown.push_str(if looks_secret(&rest[..part]) {
            HIDDEN
        } else {
            &rest[..part]
        });
        let after = rest[part..].find(in_secrets).map_or(rest.len(), |at| part + at);
        shown.push_str(&rest[part..after]);
        rest = &rest[after..];
    }
    shown
}

/// Characters of client secrets, JWTs and base64url; not `/`, so that a path is not a secret.
const fn in_secrets(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '%')
}

fn looks_secret(part: &str) -> bool {
    part.len() >= SECRET_LENGTH
        && part.contains(|c: char| c.is_ascii_uppercase())
        && part.contains(|c: char| c.is_ascii_lowercase())
        && part.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_repeated() {
        let secret = "p@ss w/rd";
        let said = "bad secret 'p@ss w/rd' in client_secret=p%40ss+w%2Frd&x=1";
        assert_eq!(
            readable(said, &[secret, ""], 200),
            "bad secret '[hidden]' in client_secret=[hidden]&x=1"
        );
    }

    #[test]
    fn a_word_that_looks_like_a_secret_is_hidden_and_a_trace_id_is_not() {
        let said = "+ curl -d s=Abc8Q~0123456789abcdefghijklmnopqrstuv-XY Trace ID: 0a1b2c3d-0000-4000-8000-0123456789ab";
        assert_eq!(
            readable(said, &[], 200),
            "+ curl -d s=[hidden] Trace ID: 0a1b2c3d-0000-4000-8000-0123456789ab"
        );
        let path = "/usr/lib/Python3/dist-packages/oauthlib/oauth2/rfc6749/errors.py";
        assert_eq!(readable(path, &[], 200), path);
    }

    #[test]
    fn lines_are_joined_cut_and_cannot_act() {
        let said = "AADSTS1: no.\r\nTrace ID: 7\r\n\x1b[2J";
        assert_eq!(readable(said, &[], 200), r"AADSTS1: no. Trace ID: 7 \u{1b}[2J");
        assert_eq!(readable("aaaa", &[], 3), "aaa…");
    }
}
