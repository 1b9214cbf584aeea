//! What a token endpoint says (RFC 6749 5), read with more tolerance than the RFC asks for.

use std::fmt;

use oauth2::{AccessToken, ErrorResponse, RefreshToken, Scope, TokenResponse, TokenType};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::secret::Secret;

/// How long a token lives when the provider does not say. RFC 6749 5.1 only recommends that it says so; an hour
/// is what Entra ID's tokens live at least.
const UNSAID_LIFETIME: u64 = 60 * 60;

/// A token, and nothing checked yet.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct TokenReply {
    #[serde(skip_serializing)]
    access_token: AccessToken,
    token_type: Type,
    #[serde(default)]
    expires_in: Seconds,
    /// Only for a person's token; not every refresh brings a new one.
    #[serde(default, deserialize_with = "secret", skip_serializing)]
    refresh_token: Option<Secret<String>>,
    /// Only if `openid` was among the scopes.
    #[serde(default, deserialize_with = "secret", skip_serializing)]
    id_token: Option<Secret<String>>,
    /// What was granted, where it differs from what was asked for (RFC 6749 5.1); some say it always.
    #[serde(default, deserialize_with = "text")]
    scope: Option<String>,
}

/// A text; anything else counts as not there.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    Ok(text(deserializer)?.map(Secret::new))
}

/// `token_type`: case is ignored (RFC 6749 5.1).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Type(String);

impl TokenType for Type {}

/// A number of seconds: a JSON number, or a string that holds one, as Entra ID's v1 endpoints and IMDS send it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) enum Seconds {
    /// Not there, or null.
    #[default]
    Unsaid,
    /// As it was said; negative and fractional values included.
    Said(f64),
    /// There, but no number.
    Nonsense,
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::Unsaid),
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        Ok(number
            .filter(|number: &f64| number.is_finite())
            .map_or(Self::Nonsense, Self::Said))
    }
}

/// What a reply holds.
pub(super) struct Parts {
    pub(super) access_token: Secret<String>,
    pub(super) refresh_token: Option<Secret<String>>,
    pub(super) id_token: Option<Secret<String>>,
    pub(super) scope: Option<String>,
}

impl TokenReply {
    /// Whether it is a bearer token (RFC 6750): the only type that can be said in a mail login.
    pub(super) fn is_bearer(&self) -> bool {
        self.token_type.0.eq_ignore_ascii_case("bearer")
    }

    /// The lifetime in seconds, or `None` when what is said is no number.
    pub(super) fn lifetime(&self) -> Option<u64> {
        match self.expires_in {
            Seconds::Unsaid => Some(UNSAID_LIFETIME),
            // `as` saturates: below 0 is 0, and the bounds of a lifetime are applied later.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Seconds::Said(seconds) => Some(seconds as u64),
            Seconds::Nonsense => None,
        }
    }

    /// The token itself, and what came with it.
    pub(super) fn into_parts(self) -> Parts {
        Parts {
            access_token: Secret::new(self.access_token.into_secret()),
            refresh_token: self.refresh_token,
            id_token: self.id_token,
            scope: self.scope,
        }
    }
}

impl TokenResponse for TokenReply {
    type TokenType = Type;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &Type {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.lifetime().map(std::time::Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// A refusal (RFC 6749 5.2), with what Entra ID adds to it.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct ErrorReply {
    /// The word that decides what is done.
    pub(super) error: String,
    /// The provider's sentence.
    #[serde(default)]
    pub(super) error_description: Option<String>,
    /// The numbers of AADSTS codes: for text, because Microsoft asks not to branch on them.
    #[serde(default, deserialize_with = "numbers")]
    pub(super) error_codes: Vec<u64>,
    /// What kind of `invalid_grant` or `interaction_required` it is.
    #[serde(default)]
    pub(super) suberror: Option<String>,
    /// What Conditional Access wants more of the person.
    #[serde(default)]
    pub(super) claims: Option<String>,
    /// By which Microsoft's support finds the request.
    #[serde(default)]
    pub(super) correlation_id: Option<String>,
}

/// The numbers in a list, whether they are written as numbers or as strings; anything else is left out.
fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let Value::Array(values) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Ok(values.iter().filter_map(number).collect())
}

impl ErrorReply {
    /// The AADSTS numbers: from their own field, else from the beginning of the description.
    pub(super) fn aadsts(&self) -> Vec<u64> {
        if !self.error_codes.is_empty() {
            return self.error_codes.clone();
        }
        let described = self.error_description.as_deref().unwrap_or_default();
        let digits = described.strip_prefix("AADSTS").unwrap_or_default();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().into_iter().collect()
    }

    /// All that was said, in the provider's words; not fit for a log yet.
    pub(super) fn said(&self) -> String {
        let mut said = self
            .error_description
            .clone()
            .unwrap_or_else(|| self.error.clone());
        if let Some(suberror) = self.suberror.as_deref().filter(|suberror| !suberror.is_empty()) {
            said = format!("{said} suberror: {suberror}");
        }
        if self.claims.is_some() {
            said.push_str(" (with a claims challenge)");
        }
        if let Some(id) = self.correlation_id.as_deref().filter(|id| !said.contains(*id)) {
            said = format!("{said} Correlation ID: {id}");
        }
        said
    }
}

/// Only the word: a description may repeat what was sent.
impl fmt::Debug for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorReply(…)")
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider refused")
    }
}

impl ErrorResponse for ErrorReply {}
