//! What a token command prints: a token on a line, or JSON.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::claims::Claims;
use super::issued::{Issued, Unusable, since_epoch};
use super::reply::Seconds;
use super::timestamp;
use crate::secret::Secret;

/// How long a token is kept that nobody says anything about. Commands mostly keep a cache of their own and print what is
/// in it, so that the rest of its life is anything up to an hour; asking again is cheap, and too long costs a refused login.
const UNSAID_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The JSON of the commands that people have: RFC 6749 5.1 (`expires_in`), Azure's (`accessToken`, `expires_on` since
/// 1970) and Go's oauth2 (`expiry`, RFC 3339).
#[derive(Deserialize)]
struct Json {
    #[serde(alias = "accessToken")]
    access_token: String,
    #[serde(default)]
    expires_in: Seconds,
    #[serde(default)]
    expires_on: Seconds,
    #[serde(default)]
    expiry: Option<String>,
}

/// The token in what was printed.
pub(super) fn token(printed: &[u8], now: SystemTime) -> Result<Issued, Unusable> {
    let printed = printed.trim_ascii();
    if printed.starts_with(b"{") {
        return json(printed, now);
    }
    if printed.contains(&b'\n') {
        return Err(Unusable::ManyLines);
    }
    let token = str::from_utf8(printed).map_err(|_| Unusable::NotVisible)?;
    undated(Secret::new(token.to_owned()), now)
}

/// The token in a JSON object; a managed identity says it as the commands do.
pub(super) fn json(text: &[u8], now: SystemTime) -> Result<Issued, Unusable> {
    from_json(serde_json::from_slice(text).map_err(|_| Unusable::NotJson)?, now)
}

fn from_json(json: Json, now: SystemTime) -> Result<Issued, Unusable> {
    let token = Secret::new(json.access_token);
    match (json.expires_in, json.expires_on, json.expiry) {
        (Seconds::Said(seconds), ..) => {
            Issued::new(token, Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
        (Seconds::Unsaid, Seconds::Said(seconds), _) => {
            Issued::until(token, since_epoch(seconds).ok_or(Unusable::NoTime)?, now)
        }
        (Seconds::Unsaid, Seconds::Unsaid, Some(expiry)) => {
            Issued::until(token, timestamp::rfc3339(&expiry).ok_or(Unusable::NoTime)?, now)
        }
        (Seconds::Unsaid, Seconds::Unsaid, None) => undated(token, now),
        _ => Err(Unusable::NoTime),
    }
}

fn undated(token: Secret<String>, now: SystemTime) -> Result<Issued, Unusable> {
    match Claims::read(token.expose()).and_then(|claims| claims.exp) {
        Some(expires) => Issued::until(token, expires, now),
        None => Issued::new(token, UNSAID_LIFETIME),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    const NOW: u64 = 1_763_700_000;

    fn printed(text: &str) -> Result<(String, u64), Unusable> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let issued = token(text.as_bytes(), now)?;
        Ok((issued.token.expose().clone(), issued.lifetime.as_secs()))
    }

    fn jwt(exp: u64) -> String {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
        format!("e30.{claims}.c2ln")
    }

    #[test]
    fn a_token_is_read_in_each_form_that_commands_print() {
        let cases = [
            ("tok\n".to_owned(), 300),
            ("\r\n  tok \r\n".to_owned(), 300),
            (r#"{"access_token":"tok"}"#.to_owned(), 300),
            (r#"{"access_token":"tok","expires_in":1800}"#.to_owned(), 1800),
            (
                r#"{"access_token":"tok","expires_in":"1800","expires_on":5}"#.to_owned(),
                1800,
            ),
            (r#"{"access_token":"tok","expires_in":-1}"#.to_owned(), 60),
            (
                format!(r#"{{"access_token":"tok","expires_on":{}}}"#, NOW + 900),
                900,
            ),
            (
                format!(r#"{{"access_token":"tok","expires_on":"{}"}}"#, NOW + 900),
                900,
            ),
            (
                format!(
                    r#"{{"accessToken":"tok","expiresOn":"2025-11-21 06:00:00.000000","expires_on":{}}}"#,
                    NOW + 600
                ),
                600,
            ),
            (
                r#"{"access_token":"tok","expiry":"2025-11-21T05:00:00.25Z"}"#.to_owned(),
                1200,
            ),
        ];
        for (text, lifetime) in &cases {
            assert_eq!(printed(text), Ok(("tok".to_owned(), *lifetime)), "{text}");
        }
        assert_eq!(cases.len(), 10);
        assert_eq!(printed(&jwt(NOW + 777)).map(|(_, lifetime)| lifetime), Ok(777));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let cases = [
            (String::new(), Unusable::Empty),
            ("\n\n".to_owned(), Unusable::Empty),
            ("tok\ntok\n".to_owned(), Unusable::ManyLines),
            ("token: tok".to_owned(), Unusable::NotVisible),
            (r#"{"access_token":"tok""#.to_owned(), Unusable::NotJson),
            (r#"{"access_token":7}"#.to_owned(), Unusable::NotJson),
            (r#"{"error":"no"}"#.to_owned(), Unusable::NotJson),
            (r#"{"access_token":""}"#.to_owned(), Unusable::Empty),
            (
                r#"{"access_token":"tok","expires_in":"soon"}"#.to_owned(),
                Unusable::NoTime,
            ),
            (
                r#"{"access_token":"tok","expires_on":-1}"#.to_owned(),
                Unusable::NoTime,
            ),
            (
                r#"{"access_token":"tok","expiry":"tomorrow"}"#.to_owned(),
                Unusable::NoTime,
            ),
            (
                format!(r#"{{"access_token":"tok","expires_on":{}}}"#, NOW - 1),
                Unusable::Expired,
            ),
            (jwt(NOW - 1), Unusable::Expired),
        ];
        for (text, why) in &cases {
            assert_eq!(printed(text), Err(*why), "{text}");
        }
        assert_eq!(cases.len(), 13);
    }
}
