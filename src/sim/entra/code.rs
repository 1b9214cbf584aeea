//! Authorization codes: good once, for ten minutes, for one app, one redirect URI and one verifier.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{self, EntraError};
use super::scope::Scope;
use crate::sim::knob::Knob;
use crate::sim::random::Random;

const LIFE: Duration = Duration::from_secs(600);

/// PKCE, as the authorize request asked for it (RFC 7636, 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    S256(String),
    Plain(String),
}

impl Challenge {
    /// Reads `code_challenge` and its method, which is `plain` when nothing says otherwise.
    pub(super) fn of(challenge: &str, method: Option<&str>) -> Result<Self, EntraError> {
        let wrong_size = || error::pkce_size("Code_Challenge");
        match method {
            Some("S256") => match URL_SAFE_NO_PAD.decode(challenge) {
                Ok(hash) if hash.len() == 32 => Ok(Self::S256(challenge.to_owned())),
                _ => Err(wrong_size()),
            },
            None | Some("plain") if is_verifier(challenge) => Ok(Self::Plain(challenge.to_owned())),
            None | Some("plain") => Err(wrong_size()),
            Some(_) => Err(error::unknown_value("code_challenge_method")),
        }
    }

    fn answered_by(&self, verifier: &str) -> bool {
        match self {
            Self::S256(challenge) => {
                let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
                URL_SAFE_NO_PAD.encode(hash) == *challenge
            }
            Self::Plain(challenge) => challenge == verifier,
        }
    }
}

/// 43 to 128 unreserved characters (RFC 7636, 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) realm: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    /// Sign-in name of the person who agreed.
    pub(super) upn: String,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) born: Duration,
    pub(super) redeemed: bool,
}

impl Code {
    /// Everything that must fit but the app's proof.
    pub(super) fn check(&self, offered: &Offer<'_>, now: Duration) -> Result<(), EntraError> {
        if self.client_id != offered.client_id {
            return Err(error::grant_of_another_app());
        }
        if self.redeemed {
            return Err(error::code_again());
        }
        if now.saturating_sub(self.born) > LIFE {
            return Err(error::code_expired());
        }
        if self.realm != offered.realm {
            return Err(error::code_elsewhere());
        }
        if self.redirect_uri != offered.redirect_uri {
            return Err(error::other_redirect(offered.redirect_uri, &self.redirect_uri));
        }
        match (&self.challenge, offered.verifier) {
            (_, Some(verifier)) if !is_verifier(verifier) => Err(error::pkce_size("Code_Verifier")),
            (Some(challenge), Some(verifier)) if challenge.answered_by(verifier) => Ok(()),
            (None, None) => Ok(()),
            _ => Err(error::wrong_verifier()),
        }
    }
}

/// What comes along with a code at the token endpoint.
pub(super) struct Offer<'a> {
    pub(super) client_id: &'a str,
    pub(super) realm: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: Option<&'a str>,
}

/// Every code that was ever given out.
#[derive(Default)]
pub(super) struct Codes(Knob<HashMap<String, Code>>);

impl Codes {
    /// Gives a code out.
    pub(super) fn issue(&self, code: Code, random: &Random) -> String {
        let text = format!("0.AX{}", random.text(480));
        self.0.change(|codes| codes.insert(text.clone(), code));
        text
    }

    /// What a code stands for, used or not.
    pub(super) fn look(&self, text: &str) -> Result<Code, EntraError> {
        let code = self.0.change(|codes| codes.get(text).cloned());
        code.ok_or_else(error::unknown_grant)
    }

    /// Uses a code up; of two who try at once, one gets it.
    pub(super) fn redeem(&self, text: &str) -> Result<(), EntraError> {
        self.0.change(|codes| match codes.get_mut(text) {
            Some(code) if !code.redeemed => {
                code.redeemed = true;
                Ok(())
            }
            _ => Err(error::code_again()),
        })
    }
}
