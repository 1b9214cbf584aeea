//! How an app proves who it is: not at all, with a secret, with a certificate, or with another issuer's token.

mod assertion;
mod certificate;
mod federation;
mod jwt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};

pub use self::federation::ForeignIssuer;

use super::error::{self, EntraError};
use super::form::{self, Form};
use super::grant::Request;
use crate::sim::clock;
use crate::sim::directory::{App, Platform};

/// What `client_assertion_type` must say (RFC 7523, 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How an app proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proof {
    /// A public app needs none.
    #[default]
    None,
    /// `client_secret`, in the body or in HTTP Basic.
    Secret,
    /// A JWT that a registered certificate signed.
    Certificate,
    /// A token of an issuer that the registration trusts.
    Federated,
}

impl Proof {
    /// The `appidacr` of the tokens that follow.
    pub(super) fn class(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Secret => 1,
            Self::Certificate | Self::Federated => 2,
        }
    }
}

/// What is expected of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It must prove itself.
    Confidential,
    /// It must not even try.
    Public,
    /// Neither, and a browser must be asking.
    SinglePage,
}

impl Kind {
    /// What the platform of its redirect URI makes of an app.
    pub(super) fn of_platform(platform: Platform) -> Self {
        match platform {
            Platform::Web => Self::Confidential,
            Platform::Native => Self::Public,
            Platform::SinglePage => Self::SinglePage,
        }
    }

    /// What the switch "Allow public client flows" makes of it, where there is no redirect URI.
    pub(super) fn without_redirect(app: &App) -> Self {
        if app.public_flows {
            Self::Public
        } else {
            Self::Confidential
        }
    }
}

/// The proof that came along.
enum Offered {
    Nothing,
    Secret(String),
    Assertion(String),
}

/// Client id and proof of a request, not yet checked.
pub(super) struct Claimant {
    pub(super) client_id: String,
    offered: Offered,
}

impl Claimant {
    /// Reads them from the body or from HTTP Basic (RFC 6749, 2.3.1), but never from both.
    pub(super) fn of(headers: &HeaderMap, form: &Form) -> Result<Self, EntraError> {
        let in_body = in_body(form)?;
        let Some(header) = headers.get(AUTHORIZATION) else {
            let client_id = form.required("client_id")?.to_owned();
            return Ok(Self {
                client_id,
                offered: in_body,
            });
        };
        let (client_id, secret) = header
            .to_str()
            .ok()
            .and_then(basic)
            .ok_or_else(error::malformed)?;
        let same_id = form.get("client_id").is_none_or(|id| id == client_id);
        if !same_id || !matches!(in_body, Offered::Nothing) {
            return Err(error::malformed());
        }
        Ok(Self {
            client_id,
            offered: Offered::Secret(secret),
        })
    }

    /// Checks the proof against what is expected of the app.
    pub(super) fn prove(&self, request: &Request<'_>, app: &App, kind: Kind) -> Result<Proof, EntraError> {
        check_origin(request.headers, kind)?;
        match (kind, &self.offered) {
            (Kind::Confidential, Offered::Nothing) => Err(error::secret_missing()),
            (_, Offered::Nothing) => Ok(Proof::None),
            (Kind::Confidential, Offered::Secret(secret)) => {
                check_secret(app, secret).map(|()| Proof::Secret)
            }
            (Kind::Confidential, Offered::Assertion(text)) => assertion::check(request, app, text),
            _ => Err(error::public_with_proof()),
        }
    }
}

/// `Origin` marks a browser's request: a single-page app's has one, no other has.
fn check_origin(headers: &HeaderMap, kind: Kind) -> Result<(), EntraError> {
    let from_page = headers.contains_key(HeaderName::from_static("origin"));
    match (kind, from_page) {
        (Kind::SinglePage, false) => Err(error::single_page()),
        (Kind::Confidential | Kind::Public, true) => Err(error::cross_origin()),
        _ => Ok(()),
    }
}

fn in_body(form: &Form) -> Result<Offered, EntraError> {
    let secret = form.get("client_secret");
    let assertion = form.get("client_assertion");
    match (secret, assertion, form.get("client_assertion_type")) {
        (None, None, None) => Ok(Offered::Nothing),
        (Some(secret), None, None) => Ok(Offered::Secret(secret.to_owned())),
        (None, Some(assertion), Some(ASSERTION_TYPE)) => Ok(Offered::Assertion(assertion.to_owned())),
        (None, Some(_), None) => Err(error::missing("client_assertion_type")),
        (None, None, Some(_)) => Err(error::missing("client_assertion")),
        _ => Err(error::malformed()),
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded
        .split_once(':')
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some((form::decode(id)?, form::decode(secret)?))
}

fn check_secret(app: &App, offered: &str) -> Result<(), EntraError> {
    match app.secrets.iter().find(|secret| secret.value == offered) {
        None => Err(error::wrong_secret(&app.client_id)),
        Some(secret) if secret.expires <= clock::now() => Err(error::expired_secret(&app.client_id)),
        Some(_) => Ok(()),
    }
}
