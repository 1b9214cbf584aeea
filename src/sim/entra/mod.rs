//! Entra ID over HTTPS: authorize, admin consent, device code and token endpoints, v1 and v2.

mod ages;
mod authorize;
mod code;
mod device;
mod error;
mod form;
mod grant;
mod introspection;
mod issue;
mod lockout;
mod managed_identity;
mod page;
mod path;
mod proof;
mod realm;
mod record;
mod refresh;
mod resource;
mod response;
mod scope;
mod service;
mod shape;
mod sign_in;
mod token;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::device::DeviceSettings;
pub use self::error::{EntraError, ErrorShape};
pub(super) use self::managed_identity::serve as serve_machine;
pub use self::managed_identity::{Identity, IdentityRequest, ManagedIdentity};
pub use self::path::Version;
pub use self::proof::{ForeignIssuer, Proof};
pub use self::record::{DeviceRequest, TokenOutcome, TokenRequest, Visit, VisitOutcome};
pub use self::refresh::Rotation;
pub(super) use self::resource::is_for_exchange;
pub use self::response::TokenFault;
pub(super) use self::service::serve;
pub use self::shape::TokenShape;
pub use self::sign_in::{Browser, Does, SignInFault, Who};
pub use self::token::{Claims, MintedToken, USUAL_TOKEN_SIZE};

use self::ages::Ages;
use self::code::Codes;
use self::device::DeviceCodes;
use self::lockout::Lockouts;
use self::record::Records;
use self::refresh::RefreshTokens;
use self::token::{IdClaims, Mint};
use super::certificates::Authority;
use super::directory::{Cloud, Directory, PERSONAL_TENANT};
use super::knob::Knob;
use super::random::Random;
use super::tls::{Tls, TlsSettings};

/// The resource of the tokens that a test makes up for Exchange.
const EXCHANGE: &str = "https://outlook.office365.com";

/// The endpoints' knobs and records.
pub struct Entra {
    /// How the tokens of the next answers look.
    pub tokens: Knob<TokenShape>,
    /// How the next refusals look.
    pub errors: Knob<ErrorShape>,
    /// How long an answer of the token endpoint or the device authorization endpoint takes.
    pub latency: Knob<Duration>,
    /// Which national cloud this is: tenants and resources of another are refused.
    pub cloud: Knob<Cloud>,
    /// Who sits at the browser, and what they do.
    pub browser: Knob<Browser>,
    /// What goes wrong in the browser.
    pub sign_in_fault: Knob<Option<SignInFault>>,
    /// How device codes are given out.
    pub device: Knob<DeviceSettings>,
    /// What happens to a refresh token when it is exchanged.
    pub rotation: Knob<Rotation>,
    /// The `AADSTS` number for two resources in one token request: 28000 was measured, 70011 and 700022 are documented.
    pub two_resources: Knob<u32>,
    /// Whether the port of `http://localhost` is free under the platform "Web" too; reports differ.
    pub web_ignores_port: Knob<bool>,
    fault: Knob<Option<(TokenFault, Option<u32>)>>,
    refusal: Knob<Option<(EntraError, Option<u32>)>>,
    ages: Ages,
    codes: Codes,
    device_codes: DeviceCodes,
    refresh_tokens: RefreshTokens,
    lockouts: Lockouts,
    /// Every `jti` that came.
    assertions: Knob<HashSet<String>>,
    mint: Mint,
    tls: Tls,
    records: Records,
    connections: AtomicU64,
}

impl Entra {
    pub(super) fn new(authority: Arc<Authority>, random: Arc<Random>, tls: TlsSettings) -> io::Result<Self> {
        Ok(Self {
            tokens: Knob::default(),
            errors: Knob::default(),
            latency: Knob::default(),
            cloud: Knob::default(),
            browser: Knob::default(),
            sign_in_fault: Knob::default(),
            device: Knob::default(),
            rotation: Knob::default(),
            two_resources: Knob::new(28_000),
            web_ignores_port: Knob::default(),
            fault: Knob::default(),
            refusal: Knob::default(),
            ages: Ages::new(),
            codes: Codes::default(),
            device_codes: DeviceCodes::default(),
            refresh_tokens: RefreshTokens::default(),
            lockouts: Lockouts::default(),
            assertions: Knob::default(),
            mint: Mint::new(random),
            tls: Tls::new(authority, tls)?,
            records: Records::new(),
            connections: AtomicU64::new(0),
        })
    }

    /// Every request to the token endpoint or the device authorization endpoint meets this fault from now on, until
    /// [`Entra::recover`].
    pub fn fail(&self, fault: TokenFault) {
        self.fault.set(Some((fault, None)));
    }

    /// The next `times` requests to one of these endpoints meet this fault.
    pub fn fail_next(&self, times: u32, fault: TokenFault) {
        self.fault.set(Some((fault, Some(times))));
    }

    /// Every token request that is right in itself is refused with this error, until [`Entra::recover`]. Nothing is used
    /// up by it.
    pub fn refuse(&self, error: EntraError) {
        self.refusal.set(Some((error, None)));
    }

    /// The next `times` token requests that are right in themselves are refused with this error.
    pub fn refuse_next(&self, times: u32, error: EntraError) {
        self.refusal.set(Some((error, Some(times))));
    }

    /// Answers honestly again.
    pub fn recover(&self) {
        self.fault.set(None);
        self.refusal.set(None);
        self.sign_in_fault.set(None);
    }

    /// Makes every code, device code, refresh token and lockout this much older. Access tokens and certificates go by the
    /// real clock.
    pub fn elapse(&self, time: Duration) {
        self.ages.elapse(time);
    }

    /// The user codes that wait for a person, oldest first.
    pub fn user_codes(&self) -> Vec<String> {
        self.device_codes.waiting(self.ages.now())
    }

    /// A person types a user code somewhere, signs in under this name and agrees; with `None` they decline. `false` when
    /// no such code is waiting. Whether the account and the consent are good enough is seen at the next poll; the page at
    /// `/devicelogin` asks before.
    pub fn enter_user_code(&self, user_code: &str, person: Option<&str>) -> bool {
        self.device_codes.decide(user_code, person, self.ages.now())
    }

    /// How often somebody came with a refresh token that had a successor already.
    pub fn refresh_reuses(&self) -> u64 {
        self.refresh_tokens.reuses()
    }

    /// How many wrong passwords were tried for this sign-in name, and whether it is locked now.
    pub fn wrong_passwords(&self, upn: &str) -> (u32, bool) {
        self.lockouts.of(upn, self.ages.now())
    }

    /// Changes TLS for the next connections.
    pub fn set_tls(&self, settings: TlsSettings) -> io::Result<()> {
        self.tls.set(settings)
    }

    /// A token that says what `claims` say, of the current size and kind, true or not. Personal accounts' are opaque.
    pub fn mint(&self, claims: &Claims) -> MintedToken {
        let shape = self.tokens.get();
        if shape.opaque || claims.tenant == PERSONAL_TENANT {
            self.mint.opaque(claims, shape.size)
        } else {
            self.mint.jwt(claims, shape.size)
        }
    }

    /// Claims of an app-only token that Exchange would take: the app's roles, the usual lifetime.
    pub fn app_claims(&self, directory: &Directory, client_id: &str) -> Option<Claims> {
        let app = directory.app_anywhere(client_id)?;
        let (not_before, expires) = token::valid_from_now(self.lifetime());
        Some(Claims {
            audience: EXCHANGE.to_owned(),
            tenant: app.tenant,
            object_id: app.object_id,
            client_id: app.client_id,
            app_class: 1,
            user: None,
            scopes: Vec::new(),
            roles: app.roles,
            not_before,
            expires,
        })
    }

    /// Claims of a user's token with these permissions (such as `IMAP.AccessAsUser.All`), the usual lifetime.
    pub fn user_claims(&self, directory: &Directory, user: &str, scopes: &[&str]) -> Claims {
        let (not_before, expires) = token::valid_from_now(self.lifetime());
        Claims {
            audience: EXCHANGE.to_owned(),
            tenant: directory
                .tenant_of(user)
                .map_or_else(String::new, |tenant| tenant.id),
            object_id: directory
                .person(user)
                .map_or_else(|| format!("oid-of-{user}"), |person| person.object_id),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            app_class: 0,
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

    fn take_fault(&self) -> Option<TokenFault> {
        take(&self.fault)
    }

    /// The refusal that a test planned for the request that is being answered.
    fn take_refusal(&self) -> Option<EntraError> {
        take(&self.refusal)
    }

    /// Seconds that the tokens of the next answers last.
    fn lifetime(&self) -> u64 {
        self.tokens.change(|shape| shape.lifetime)
    }

    fn id_token(&self, claims: &IdClaims<'_>, version: Version) -> String {
        self.mint.id_token(claims, version)
    }
}

/// What stands in a slot, and one time less of it.
fn take<T: Clone>(slot: &Knob<Option<(T, Option<u32>)>>) -> Option<T> {
    slot.change(|slot| {
        let (planned, left) = slot.as_mut()?;
        let planned = planned.clone();
        if let Some(left) = left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *slot = None;
            }
        }
        Some(planned)
    })
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entra")
            .field("requests", &self.request_count())
            .finish_non_exhaustive()
    }
}
