//! Entra ID: the token endpoint over HTTPS.

mod error;
mod form;
mod grant;
mod introspection;
mod record;
mod response;
mod service;
mod token;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

pub use self::error::EntraError;
pub use self::record::{TokenOutcome, TokenRequest};
pub use self::response::TokenFault;
pub(super) use self::service::serve;
pub use self::token::{Claims, MintedToken, USUAL_TOKEN_SIZE};

use self::token::Mint;
use super::certificates::Authority;
use super::directory::Directory;
use super::knob::Knob;
use super::random::Random;
use super::tls::{Tls, TlsSettings};

/// The resource whose tokens Exchange takes.
pub const EXCHANGE: &str = "https://outlook.office365.com";

/// How tokens look, and what the answer says about them.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenShape {
    /// Length in bytes, approximately; never shorter than the claims need.
    pub size: usize,
    /// Seconds until it expires. Entra itself picks 60 to 90 minutes.
    pub lifetime: u64,
    /// A token without structure instead of a JWT.
    pub opaque: bool,
    /// The `expires_in` of the answer: `None` says the truth, `Some(Value::Null)` leaves it out, anything else is sent.
    pub expires_in: Option<Value>,
    /// The `token_type` of the answer.
    pub token_type: &'static str,
}

impl Default for TokenShape {
    fn default() -> Self {
        Self {
            size: USUAL_TOKEN_SIZE,
            lifetime: 3_599,
            opaque: false,
            expires_in: None,
            token_type: "Bearer",
        }
    }
}

/// The token endpoint's knobs and records.
pub struct Entra {
    /// How the tokens of the next answers look.
    pub tokens: Knob<TokenShape>,
    /// How long an answer takes.
    pub latency: Knob<Duration>,
    fault: Knob<Option<(TokenFault, Option<u32>)>>,
    refusal: Knob<Option<EntraError>>,
    mint: Mint,
    tls: Tls,
    random: Arc<Random>,
    requests: Knob<Vec<TokenRequest>>,
    request_count: watch::Sender<usize>,
    connections: AtomicU64,
}

impl Entra {
    pub(super) fn new(authority: Arc<Authority>, random: Arc<Random>, tls: TlsSettings) -> io::Result<Self> {
        Ok(Self {
            tokens: Knob::default(),
            latency: Knob::default(),
            fault: Knob::default(),
            refusal: Knob::default(),
            mint: Mint::new(Arc::clone(&random)),
            tls: Tls::new(authority, tls)?,
            random,
            requests: Knob::default(),
            request_count: watch::Sender::new(0),
            connections: AtomicU64::new(0),
        })
    }

    /// Every request from now on meets this fault, until [`Entra::recover`].
    pub fn fail(&self, fault: TokenFault) {
        self.fault.set(Some((fault, None)));
    }

    /// The next `times` requests meet this fault.
    pub fn fail_next(&self, times: u32, fault: TokenFault) {
        self.fault.set(Some((fault, Some(times))));
    }

    /// Every request that is right in itself is refused with this error, until [`Entra::recover`].
    pub fn refuse(&self, error: EntraError) {
        self.refusal.set(Some(error));
    }

    /// Answers honestly again.
    pub fn recover(&self) {
        self.fault.set(None);
        self.refusal.set(None);
    }

    /// Changes TLS for the next connections.
    pub fn set_tls(&self, settings: TlsSettings) -> io::Result<()> {
        self.tls.set(settings)
    }

    /// The TLS settings in use.
    pub fn tls(&self) -> TlsSettings {
        self.tls.settings()
    }

    /// A token that says what `claims` say, of the current size and kind, true or not.
    pub fn mint(&self, claims: &Claims) -> MintedToken {
        let shape = self.tokens.get();
        if shape.opaque {
            self.mint.opaque(claims, shape.size)
        } else {
            self.mint.jwt(claims, shape.size)
        }
    }

    /// Claims of an app-only token that Exchange would take: the app's roles, the usual lifetime.
    pub fn app_claims(&self, directory: &Directory, client_id: &str) -> Option<Claims> {
        let app = directory.app_anywhere(client_id)?;
        let (not_before, expires) = token::valid_from_now(self.tokens.change(|shape| shape.lifetime));
        Some(Claims {
            audience: EXCHANGE.to_owned(),
            tenant: app.tenant,
            object_id: app.object_id,
            client_id: app.client_id,
            user: None,
            scopes: Vec::new(),
            roles: app.roles,
            not_before,
            expires,
        })
    }

    /// Claims of a user's token with these permissions (such as `IMAP.AccessAsUser.All`), the usual lifetime.
    pub fn user_claims(&self, directory: &Directory, user: &str, scopes: &[&str]) -> Claims {
        let (not_before, expires) = token::valid_from_now(self.tokens.change(|shape| shape.lifetime));
        Claims {
            audience: EXCHANGE.to_owned(),
            tenant: directory
                .tenant_of(user)
                .map_or_else(String::new, |tenant| tenant.id),
            object_id: format!("oid-of-{user}"),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            user: Some(user.to_owned()),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            roles: Vec::new(),
            not_before,
            expires,
        }
    }

    /// What a token of this simulator says; `None` for any other text.
    pub(super) fn read(&self, token: &str) -> Option<Claims> {
        self.mint.read(token)
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Every token request so far, oldest first.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.requests.get()
    }

    /// How many token requests have come.
    pub fn request_count(&self) -> usize {
        *self.request_count.borrow()
    }

    /// Waits until `count` token requests have come.
    pub async fn until_requests(&self, count: usize) {
        let mut seen = self.request_count.subscribe();
        // The sender lives as long as `self`.
        let _ = seen.wait_for(|now| *now >= count).await;
    }

    fn take_fault(&self) -> Option<TokenFault> {
        self.fault.change(|slot| {
            let (fault, left) = slot.as_mut()?;
            let fault = fault.clone();
            if let Some(left) = left {
                *left -= 1;
                if *left == 0 {
                    *slot = None;
                }
            }
            Some(fault)
        })
    }

    /// The body of a `200`, as the shape wants it.
    fn granted(&self, claims: &Claims) -> String {
        let shape = self.tokens.get();
        let mut body = json!({
            "token_type": shape.token_type,
            "expires_in": shape.expires_in.clone().unwrap_or_else(|| json!(shape.lifetime)),
            "ext_expires_in": shape.lifetime,
            "access_token": self.mint(claims).reveal(),
        });
        if let Some(body) = body.as_object_mut()
            && shape.expires_in == Some(Value::Null)
        {
            body.remove("expires_in");
            body.remove("ext_expires_in");
        }
        body.to_string()
    }

    fn note(&self, request: TokenRequest) {
        let count = self.requests.change(|all| {
            all.push(request);
            all.len()
        });
        self.request_count.send_replace(count);
    }
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entra")
            .field("requests", &self.request_count())
            .finish_non_exhaustive()
    }
}
