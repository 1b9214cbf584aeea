//! What a person's sign-in or a refresh yields.

use std::time::Duration;

use super::claims::{Claims, Owner};
use super::error::TokenError;
use super::fault::Asked;
use super::issued::{Issued, Unusable};
use super::reply::TokenReply;
use crate::name;
use crate::secret::Secret;

/// The longest refresh token kept. Entra ID's have 2 KiB.
const MAX_REFRESH_TOKEN: usize = 16 * 1024;

/// How much of a reply's `scope` is kept.
const SCOPE: usize = 2 * 1024;

/// A person's tokens.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub issued: Issued,
    /// The refresh token for the next time. None if the provider gave no new one: then the one before stays good.
    pub refresh_token: Option<Secret<String>>,
    /// Who signed in, as the provider says; none if neither of the tokens tells.
    pub owner: Option<Owner>,
    /// What was granted, when the provider says it.
    pub scope: Option<Box<str>>,
}

impl Granted {
    pub(super) fn of(asked: &Asked, reply: TokenReply) -> Result<Self, TokenError> {
        let lifetime = lifetime(asked, &reply)?;
        let parts = reply.into_parts();
        let refresh_token = parts.refresh_token;
        if refresh_token
            .as_ref()
            .is_some_and(|token| !is_sound(token.expose()))
        {
            return Err(asked.malformed("the refresh token is longer than 16 KiB or not visible ASCII"));
        }
        // Who signed in is what an id_token is for; without one, the access tokens of work accounts tell it too.
        let says = |token: &Secret<String>| Claims::read(token.expose())?.owner();
        let owner = parts.id_token.as_ref().and_then(says);
        let owner = owner.or_else(|| says(&parts.access_token));
        Ok(Self {
            issued: checked(asked, parts.access_token, lifetime)?,
            refresh_token,
            owner,
            scope: parts
                .scope
                .map(|scope| name::shown(scope.as_bytes(), SCOPE).into()),
        })
    }
}

/// An app's token, which comes alone.
pub(super) fn issued(asked: &Asked, reply: TokenReply) -> Result<Issued, TokenError> {
    let lifetime = lifetime(asked, &reply)?;
    checked(asked, reply.into_parts().access_token, lifetime)
}

fn lifetime(asked: &Asked, reply: &TokenReply) -> Result<Duration, TokenError> {
    if !reply.is_bearer() {
        return Err(asked.malformed("token_type is not Bearer"));
    }
    let seconds = reply.lifetime();
    let seconds = seconds.ok_or_else(|| asked.malformed(Unusable::NoTime.text()))?;
    Ok(Duration::from_secs(seconds))
}

fn checked(asked: &Asked, token: Secret<String>, lifetime: Duration) -> Result<Issued, TokenError> {
    Issued::new(token, lifetime).map_err(|unusable| asked.malformed(unusable.text()))
}

/// RFC 6749 A.17: visible characters and spaces; no provider has been seen to use spaces.
fn is_sound(token: &str) -> bool {
    token.len() <= MAX_REFRESH_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
}
