//! The handle that sessions hold, and the flights.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::access::{AccessToken, Fingerprint};
use super::cache::{Cache, Claim, Report, TakeOff, Want};
use super::clock::{Clock, Moment, SystemClock};
use super::counts::{Counters, Counts};
use super::failures::News;
use super::flight::{self, Landing, Outcome};
use super::pending::Pending;
use super::people::{People, Unproven};
use super::refresher;
use super::renewal::waits;
use super::request::TokenRequest;
use super::slot::StoreSlot;
use super::source::{Grants, Source};
use crate::account::{Authorized, Candidate, Judge};
use crate::oauth::{Claims, Endpoint, Grant, GrantKey, Issued, TokenError, TokenKey};
use crate::secret::Secret;

/// All access tokens of the program. Clones share them.
#[derive(Clone)]
pub struct Tokens {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    source: Box<dyn Source>,
    /// For the grants that a person stands behind; tests of the cache have none.
    people: Option<People>,
    clock: Box<dyn Clock>,
    cache: Mutex<Cache>,
    counters: Counters,
    flights: TaskTracker,
    ending: CancellationToken,
    renewing: OnceLock<AbortHandle>,
}

impl Tokens {
    /// An empty cache, with its renewals running. To be called in a tokio runtime.
    pub fn new(endpoint: Endpoint, store: StoreSlot) -> Self {
        let people = People::new(endpoint.clone(), store);
        let grants = Grants::new(endpoint, people.clone());
        let tokens = Self::of(Box::new(grants), Some(people), Box::new(SystemClock));
        tokens.renew_ahead();
        tokens
    }

    #[cfg(test)]
    pub(super) fn with(source: Box<dyn Source>, clock: Box<dyn Clock>) -> Self {
        Self::of(source, None, clock)
    }

    fn of(source: Box<dyn Source>, people: Option<People>, clock: Box<dyn Clock>) -> Self {
        let inner = Inner {
            source,
            people,
            clock,
            cache: Mutex::default(),
            counters: Counters::default(),
            flights: TaskTracker::new(),
            ending: CancellationToken::new(),
            renewing: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Whether whoever reads that somebody has to sign in is told that links can be made for that.
    pub fn offer_links(&self, offered: bool) {
        if let Some(people) = &self.inner.people {
            people.offer_links(offered);
        }
    }

    pub(super) fn renew_ahead(&self) {
        let renewing = refresher::run(Arc::downgrade(&self.inner), self.inner.ending.clone());
        // Asked of a new cache only, which has none yet.
        let _ = self.inner.renewing.set(tokio::spawn(renewing).abort_handle());
    }

    /// Whether tokens are renewed ahead of need, or the program ends. Anything else is a defect, and a restart would help.
    pub fn renews(&self) -> bool {
        let has_ended = |renewing: &AbortHandle| renewing.is_finished();
        self.inner.ending.is_cancelled() || !self.inner.renewing.get().is_some_and(has_ended)
    }

    /// A token for a login: at hand, or on its way. Nothing but a login that was found right can have one.
    pub fn pending(&self, login: &Authorized) -> Pending {
        self.request(TokenRequest::for_session(login))
    }

    /// A token for a login that was asked for no earlier than that, where one can be asked for: what only a mail client's
    /// password brings is taken as it is. For whoever wants to know whether the source still gives tokens.
    pub fn since(&self, login: &Authorized, since: Since) -> Pending {
        self.request_since(TokenRequest::for_session(login), since)
    }

    pub(super) fn request_since(&self, request: TokenRequest, since: Since) -> Pending {
        let waits = matches!(request.app.grant, Grant::Password(_)) && request.password.is_none();
        let want = if waits { Want::Fresh } else { Want::Since(since.0) };
        let claim = self.claim(&request, want);
        Pending::new(self.clone(), request, want, claim)
    }

    /// The moment for [`Self::since`].
    pub fn from_now_on(&self) -> Since {
        Since(self.now().boot)
    }

    pub(super) fn request(&self, request: TokenRequest) -> Pending {
        let claim = self.claim(&request, Want::Fresh);
        Pending::new(self.clone(), request, Want::Fresh, claim)
    }

    /// Has a login's password judged by the provider, or by what the token store keeps.
    pub async fn judge(&self, candidate: Candidate<'_>) -> Result<Authorized, Unproven> {
        let request = TokenRequest::for_candidate(&candidate);
        let Some(people) = &self.inner.people else {
            candidate.undecided();
            return Err(Unproven::Token(Arc::new(flight::lost())));
        };
        if candidate.judge() == Judge::Store {
            let grant = request.key.grant;
            return people
                .judge_by_store(candidate, &request, || self.forget(grant))
                .await;
        }
        let keep = |issued| {
            let now = self.now();
            self.inner.cache().put(&request, issued, now);
        };
        people.judge(candidate, &request, keep).await
    }

    /// Whether nothing but its mail client's first login can bring the account's token: it is still sealed under that
    /// mail client's password.
    pub async fn waits_for_first_login(&self, login: &Authorized) -> bool {
        let Some(people) = self.inner.people.as_ref().filter(|_| login.account().imported) else {
            return false;
        };
        match people.slot.now() {
            Some(store) => waits(&*store, &login.token_wanted().name).await,
            None => false,
        }
    }

    /// What the token at hand says of itself, for whoever explains why it was refused.
    pub fn claims(&self, login: &Authorized) -> Option<Claims> {
        let key = login.token_wanted().key;
        let token = self.inner.cache().token(&key).cloned()?;
        Claims::read(token.secret().expose())
    }

    /// Takes a token that came with a sign-in, for the logins to come.
    pub fn put(&self, login: &Authorized, issued: Issued) {
        let (request, now) = (TokenRequest::for_session(login), self.now());
        self.inner.cache().put(&request, issued, now);
    }

    /// A token that has just come, by itself: to try it before anybody else may use it.
    pub fn on_trial(&self, issued: &Issued) -> Arc<AccessToken> {
        let issued = Issued {
            token: Secret::new(issued.token.expose().clone()),
            lifetime: issued.lifetime,
        };
        Arc::new(AccessToken::new(issued, self.now()))
    }

    /// Forgets what was got by a grant: somebody has signed in anew, or out.
    pub fn forget(&self, grant: GrantKey) {
        self.inner.cache().forget(grant);
    }

    /// What is known of a token without asking for it: how long it is still good, and the last failure that nothing has
    /// mended since.
    pub fn standing(&self, key: &TokenKey) -> Standing {
        let now = self.now();
        let cache = self.inner.cache();
        Standing {
            left: cache.token(key).map(|token| token.left(now)),
            failure: cache.failure(key.grant),
        }
    }

    /// Whether a login's token can't be renewed any more until somebody signs in: it is good, and there will be no next one.
    pub fn need_sign_in(&self, login: &Authorized) -> bool {
        self.ended_sign_in(&TokenRequest::for_session(login))
    }

    pub(super) fn ended_sign_in(&self, request: &TokenRequest) -> bool {
        self.inner.cache().ended_sign_in(request)
    }

    /// Lets the next login ask again whatever failed: somebody has mended something.
    pub fn forget_failures(&self) {
        self.inner.cache().forget_failures();
        if let Some(people) = &self.inner.people {
            people.questions.forget_failures();
        }
    }

    /// How many requests for tokens there were.
    pub fn counts(&self) -> Counts {
        self.inner.counters.read()
    }

    /// Stops renewing, and waits for the requests that are in the air. To be limited by the caller: a command may run long.
    pub async fn shutdown(&self) {
        self.inner.ending.cancel();
        self.inner.flights.close();
        self.inner.flights.wait().await;
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.inner.cache().keys()
    }

    pub(super) fn now(&self) -> Moment {
        self.inner.clock.now()
    }

    pub(super) fn claim(&self, request: &TokenRequest, want: Want) -> Claim {
        let now = self.now();
        let (claim, take_off) = self.inner.cache().claim(request, want, now);
        self.inner.take_off(take_off);
        claim
    }

    pub(super) fn claim_another(&self, request: &TokenRequest, refused: Fingerprint) -> Option<Claim> {
        let now = self.now();
        let (claim, take_off) = self.inner.cache().claim_another(request, refused, now)?;
        self.inner.take_off(take_off);
        Some(claim)
    }
}

/// A moment after which a token is asked for anew.
#[derive(Clone, Copy, Debug)]
pub struct Since(Duration);

/// What is known of a token without asking for it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// How long it is still good; none if there is no token now.
    pub left: Option<Duration>,
    /// The last failure, if nothing has mended it.
    pub failure: Option<Arc<TokenError>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({:?})", self.counts())
    }
}

impl Inner {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Nothing that is done under the lock leaves the cache half changed.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts what is due, and forgets what nobody uses.
    pub(super) fn renew(self: &Arc<Self>) {
        let now = self.clock.now();
        let due = {
            let mut cache = self.cache();
            cache.tidy(now);
            cache.due(now)
        };
        self.take_off(due);
    }

    /// Starts flights. Each is a task of its own: it ends for the next login even if every waiter hangs up.
    fn take_off(self: &Arc<Self>, flights: impl IntoIterator<Item = TakeOff>) {
        for TakeOff {
            request,
            epoch,
            landing,
        } in flights
        {
            self.flights
                .spawn(Arc::clone(self).fly(Arc::new(request), epoch, landing));
        }
    }

    async fn fly(self: Arc<Self>, request: Arc<TokenRequest>, epoch: u64, landing: Landing) {
        // A task within the task: a panic in it is an outcome too, and nobody waits for ever.
        let (inner, asked) = (Arc::clone(&self), Arc::clone(&request));
        let minting = tokio::spawn(async move { inner.source.mint(asked).await });
        let result = minting.await.unwrap_or_else(|_| Err(flight::lost()));
        landing.send_replace(Some(self.land(&request, epoch, result)));
    }

    fn land(&self, request: &TokenRequest, epoch: u64, result: Result<Issued, TokenError>) -> Outcome {
        let now = self.clock.now();
        let (outcome, report) = self.cache().land(request, epoch, result, now);
        self.tell(request, &outcome, &report);
        outcome
    }

    /// One line for each change of state; the rest is for whoever debugs.
    fn tell(&self, request: &TokenRequest, outcome: &Outcome, report: &Report) {
        let (app, grant, owner) = (&request.app.name, &request.key.grant, &request.owner);
        match (outcome, report) {
            (Err(error), Report::Failed { news, pause }) => {
                self.counters.failed(error);
                let code = error.code.as_deref().unwrap_or("none");
                let (why, fix, pause) = (&error.why, &error.fix, pause.as_secs());
                match news {
                    News::New => warn!(%app, ?grant, %owner, code, %why, %fix, pause, "no token: {error}"),
                    News::Known => debug!(%app, ?grant, %owner, code, pause, "still no token: {error}"),
                }
            }
            (Ok(token), Report::Issued { failures, first }) => {
                self.counters.issued();
                let lifetime = token.lifetime().as_secs();
                match (failures, first) {
                    (0, false) => debug!(%app, ?grant, %owner, lifetime, "token renewed"),
                    (0, true) => info!(%app, ?grant, %owner, lifetime, "first token"),
                    _ => info!(%app, ?grant, %owner, lifetime, failures, "tokens come again"),
                }
            }
            _ => {
                self.counters.same();
                debug!(%app, ?grant, %owner, "the source gave the same token again");
            }
        }
    }
}
