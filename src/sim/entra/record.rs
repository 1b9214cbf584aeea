//! What was asked of the endpoints. No record holds a secret, a code or a token.

use std::time::SystemTime;

use tokio::sync::watch;

use super::Entra;
use super::form::Form;
use super::path::{Endpoint, Place, Version};
use super::proof::Proof;
use crate::sim::knob::Knob;

/// How a request for a token or a device code ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOutcome {
    /// It was given.
    Issued,
    /// Refused with this `AADSTS` number.
    Refused(u32),
    /// A fault stood in the way.
    Faulted,
}

/// One token request.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// When it came.
    pub at: SystemTime,
    /// The tenant in its path.
    pub tenant: String,
    /// The generation of its endpoint.
    pub version: Version,
    /// The grant it named.
    pub grant: String,
    /// The client id it named, in the body or in HTTP Basic.
    pub client_id: String,
    /// The scope it named, or v1's resource.
    pub scope: String,
    /// How the app proved itself.
    pub proof: Proof,
    /// The person for whom it was, as far as that came out.
    pub person: Option<String>,
    /// Which sign-in its refresh token belongs to, or which began with it.
    pub family: Option<u64>,
    /// What came of it.
    pub outcome: TokenOutcome,
    /// The OAuth error of the refusal.
    pub error: Option<&'static str>,
}

/// How a visit of the browser ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitOutcome {
    /// The page is still open.
    Waits,
    /// Sent back with a code.
    Code,
    /// Sent back with the news that an administrator has agreed.
    AdminConsent,
    /// Sent back with this `AADSTS` number.
    Returned(u32),
    /// Sent back with an error and no number.
    ReturnedBare,
    /// Shown this `AADSTS` number on a page, and not sent back.
    Page(u32),
}

/// One visit of a browser to the authorize endpoint or the admin consent page.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When it came.
    pub at: SystemTime,
    /// The tenant in its path.
    pub tenant: String,
    /// The generation of its endpoint.
    pub version: Version,
    /// Whether it was the admin consent page.
    pub admin_consent: bool,
    /// `client_id`
    pub client_id: Option<String>,
    /// `redirect_uri`
    pub redirect_uri: Option<String>,
    /// `response_mode`
    pub response_mode: Option<String>,
    /// `scope`, or v1's `resource`
    pub scope: Option<String>,
    /// `prompt`
    pub prompt: Option<String>,
    /// `login_hint`
    pub login_hint: Option<String>,
    /// `domain_hint`
    pub domain_hint: Option<String>,
    /// `claims`
    pub claims: Option<String>,
    /// `code_challenge_method`
    pub challenge_method: Option<String>,
    /// Whether a `state` came along.
    pub with_state: bool,
    /// Who has signed in.
    pub person: Option<String>,
    /// What came of it.
    pub outcome: VisitOutcome,
}

impl Visit {
    /// A visit that has just come, with what could be read of it.
    pub(super) fn of(place: Place<'_>, form: Option<&Form>) -> Self {
        let text = |name| form.and_then(|form| form.get(name)).map(str::to_owned);
        Self {
            at: SystemTime::now(),
            tenant: place.realm.to_owned(),
            version: place.version,
            admin_consent: place.endpoint == Endpoint::AdminConsent,
            client_id: text("client_id"),
            redirect_uri: text("redirect_uri"),
            response_mode: text("response_mode"),
            scope: text(place.version.scope_parameter()),
            prompt: text("prompt"),
            login_hint: text("login_hint"),
            domain_hint: text("domain_hint"),
            claims: text("claims"),
            challenge_method: text("code_challenge_method"),
            with_state: text("state").is_some(),
            person: None,
            outcome: VisitOutcome::Waits,
        }
    }
}

/// One request for a device code.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// When it came.
    pub at: SystemTime,
    /// The tenant in its path.
    pub tenant: String,
    /// The client id it named.
    pub client_id: Option<String>,
    /// The scope it named, or v1's resource.
    pub scope: Option<String>,
    /// What came of it.
    pub outcome: TokenOutcome,
}

/// All records, and a counter to wait for.
pub(super) struct Records {
    requests: Knob<Vec<TokenRequest>>,
    request_count: watch::Sender<usize>,
    visits: Knob<Vec<Visit>>,
    device_requests: Knob<Vec<DeviceRequest>>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            requests: Knob::default(),
            request_count: watch::Sender::new(0),
            visits: Knob::default(),
            device_requests: Knob::default(),
        }
    }
}

impl Entra {
    /// Every token request so far, oldest first.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.records.requests.get()
    }

    /// Every visit of a browser so far, oldest first.
    pub fn visits(&self) -> Vec<Visit> {
        self.records.visits.get()
    }

    /// Every request for a device code so far, oldest first.
    pub fn device_requests(&self) -> Vec<DeviceRequest> {
        self.records.device_requests.get()
    }

    /// How many token requests of this grant (`refresh_token`, `password` …) have come.
    pub fn requests_of(&self, grant: &str) -> usize {
        self.records
            .requests
            .change(|all| all.iter().filter(|request| request.grant == grant).count())
    }

    /// How many token requests have come.
    pub fn request_count(&self) -> usize {
        *self.records.request_count.borrow()
    }

    /// Waits until `count` token requests have come.
    pub async fn until_requests(&self, count: usize) {
        let mut seen = self.records.request_count.subscribe();
        // The sender lives as long as `self`.
        let _ = seen.wait_for(|now| *now >= count).await;
    }

    pub(super) fn note(&self, request: TokenRequest) {
        let count = self.records.requests.change(|all| {
            all.push(request);
            all.len()
        });
        self.records.request_count.send_replace(count);
    }

    pub(super) fn note_visit(&self, visit: Visit) {
        self.records.visits.change(|all| all.push(visit));
    }

    pub(super) fn note_device(&self, request: DeviceRequest) {
        self.records.device_requests.change(|all| all.push(request));
    }
}
