//! What a login gets, decided without a socket or a task: tokens, flights and failures of each grant.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::access::{AccessToken, Fingerprint};
use super::clock::Moment;
use super::failures::{Failures, News};
use super::flight::{Flight, Landing, Outcome};
use super::request::{Proof, TokenRequest};
use crate::name::Mailbox;
use crate::oauth::{App, GrantKey, Issued, Kind, TokenError, TokenKey};
use crate::secret::Secret;

/// How long a source that gave the same token again is left alone: it keeps a cache of its own (as managed identities
/// and many token commands do) and will not be talked out of it.
const HOLD: Duration = Duration::from_secs(60);

/// How often a refusal by upstream may make us ask for another token. Otherwise one mailbox that upstream refuses,
/// whatever the token, would have the whole tenant's token renewed with each of its logins.
const BETWEEN_FORCED: Duration = Duration::from_secs(5 * 60);

/// A key counts as in use for so long after a login.
const RECENT: Duration = Duration::from_secs(60 * 60);

/// A key that nobody has used for so long is dropped.
const UNUSED: Duration = Duration::from_secs(24 * 60 * 60);

/// Which token will do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// Any with most of its life left; an older one if there is no better.
    Fresh,
    /// Any but the one that upstream has refused.
    OtherThan(Fingerprint),
    /// One that was asked for since then, by the boot-time clock: whether the source still gives any.
    Since(Duration),
}

impl Want {
    /// A failure from before then is no answer.
    const fn since(self) -> Duration {
        match self {
            Self::Since(since) => since,
            Self::Fresh | Self::OtherThan(_) => Duration::ZERO,
        }
    }
}

/// What a login gets now.
#[derive(Clone, Debug)]
pub(super) enum Claim {
    /// This token.
    Ready(Arc<AccessToken>),
    /// The error of a short while ago, without a new request.
    Remembered(Arc<TokenError>),
    /// What a flight brings; or, if that fails or takes long, an older token that is still good.
    Waiting {
        /// The flight.
        flight: Flight,
        /// The older token.
        fallback: Option<Arc<AccessToken>>,
    },
}

/// A flight that somebody has to take off with.
pub(super) struct TakeOff {
    pub(super) request: TokenRequest,
    pub(super) epoch: u64,
    pub(super) landing: Landing,
}

/// What a landing was like, for the log.
#[derive(Debug)]
pub(super) enum Report {
    /// A token, after so many failures; `first` if this key never had one.
    Issued { first: bool, failures: u32 },
    /// The token that was there already.
    Same,
    /// A failure, and how long nobody asks again.
    Failed { news: News, pause: Duration },
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Cache {
    grants: HashMap<GrantKey, GrantState>,
    /// How many states of grants there have been.
    epochs: u64,
}

#[derive(Debug, Default)]
struct GrantState {
    /// Which state it is: what was asked for before a grant was forgotten is nothing to the state after.
    epoch: u64,
    flight: Option<Flight>,
    failures: Failures,
    keys: HashMap<Box<str>, KeyState>,
}

#[derive(Debug)]
struct KeyState {
    token: Option<Arc<AccessToken>>,
    /// What that was got with.
    got: Option<Got>,
    /// Until when the source is left alone because it gave the same token again.
    held_until: Duration,
    /// When a refusal last made us ask.
    forced: Option<Duration>,
    used: Duration,
    last: LastRequest,
}

/// What a token was got with. The app tells at a glance what the proof costs a digest to tell.
#[derive(Debug)]
struct Got {
    app: Weak<App>,
    proof: Proof,
}

/// The last login's request, to renew by. It does not keep an app alive that a reload has removed.
#[derive(Debug)]
struct LastRequest {
    app: Weak<App>,
    account: Box<str>,
    name: Box<str>,
    mailbox: Mailbox,
    owner: Mailbox,
    /// The one of the configuration: one that was typed is gone with its login.
    password: Option<Weak<Secret<String>>>,
    by_operator: bool,
}

impl Cache {
    fn grant(&mut self, request: &TokenRequest) -> &mut GrantState {
        self.grants.entry(request.key.grant).or_insert_with(|| {
            self.epochs += 1;
            GrantState {
                epoch: self.epochs,
                ..GrantState::default()
            }
        })
    }

    /// What a login gets, and the flight to start for it.
    pub(super) fn claim(
        &mut self,
        request: &TokenRequest,
        want: Want,
        now: Moment,
    ) -> (Claim, Option<TakeOff>) {
        let grant = self.grant(request);
        let key = grant.key(request, now);
        let is_proven = key.was_got_with(request);
        if let Some(token) = key.at_hand(want, now).filter(|_| is_proven) {
            return (Claim::Ready(token), None);
        }
        let fallback = key.fallback(want, now);
        let (flight, take_off) = match grant.flight.clone() {
            Some(flight) => (flight, None),
            None => match grant.failures.remembered(request, want.since(), now.boot) {
                Some(error) => return (fallback.map_or(Claim::Remembered(error), Claim::Ready), None),
                None => grant.take_off(request.clone(), now),
            },
        };
        (Claim::Waiting { flight, fallback }, take_off)
    }

    /// What a login gets whose token upstream has refused, if another can be had. That a sign-in has ended is an answer too:
    /// its tokens are refused because of it, for as long as they seem to live.
    pub(super) fn claim_another(
        &mut self,
        request: &TokenRequest,
        refused: Fingerprint,
        now: Moment,
    ) -> Option<(Claim, Option<TakeOff>)> {
        let want = Want::OtherThan(refused);
        let grant = self.grant(request);
        // A renewal that is in the air already costs nothing more.
        let is_coming = grant.flight.as_ref().is_some_and(|flight| flight.is_for(request));
        let key = grant.key(request, now);
        if !is_coming && key.at_hand(want, now).is_none() && !key.may_be_forced(now) {
            let ended = grant.failures.ended_sign_in(request);
            return ended.map(|error| (Claim::Remembered(error), None));
        }
        let (claim, take_off) = self.claim(request, want, now);
        if !is_coming && matches!(claim, Claim::Waiting { .. }) {
            let grant = self.grant(request);
            grant.key(request, now).forced = Some(now.boot);
        }
        match &claim {
            Claim::Remembered(error) if error.kind != Kind::NeedsSignIn => None,
            _ => Some((claim, take_off)),
        }
    }

    /// A flight has ended.
    pub(super) fn land(
        &mut self,
        request: &TokenRequest,
        epoch: u64,
        result: Result<Issued, TokenError>,
        now: Moment,
    ) -> (Outcome, Report) {
        let grant = self.grant(request);
        if grant.epoch != epoch {
            return (unshelved(result, now), Report::Same);
        }
        grant.flight = None;
        match result {
            Ok(issued) => {
                let failures = grant.failures.mended_by(request);
                let key = grant.key_unused(request, now);
                let (token, report) = key.shelve(request, issued, failures, now);
                (Ok(token), report)
            }
            Err(error) => {
                let error = Arc::new(error);
                let (news, pause) = grant.failures.add(request, &error, now.boot);
                (Err(error), Report::Failed { news, pause })
            }
        }
    }

    /// A token came without a flight.
    pub(super) fn put(&mut self, request: &TokenRequest, issued: Issued, now: Moment) {
        let grant = self.grant(request);
        grant.failures.mended_by(request);
        grant.key(request, now).shelve(request, issued, 0, now);
    }

    /// Forgets the tokens and failures of a grant: somebody has signed in anew, or out. A flight that is in the air
    /// ends for those who wait for it.
    pub(super) fn forget(&mut self, grant: GrantKey) {
        self.grants.remove(&grant);
    }

    /// The failure of a grant that nothing has mended yet: the last one.
    pub(super) fn failure(&self, grant: GrantKey) -> Option<Arc<TokenError>> {
        self.grants.get(&grant)?.failures.last()
    }

    /// Whether somebody has to sign in before there is another token for a request.
    pub(super) fn ended_sign_in(&self, request: &TokenRequest) -> bool {
        let grant = self.grants.get(&request.key.grant);
        grant.is_some_and(|grant| grant.failures.ended_sign_in(request).is_some())
    }

    /// When the token of a key stops being good, and when it came.
    pub(super) fn token(&self, key: &TokenKey) -> Option<&Arc<AccessToken>> {
        self.grants.get(&key.grant)?.keys.get(&key.scopes)?.token.as_ref()
    }

    /// Starts the flights that are due although nobody waits.
    pub(super) fn due(&mut self, now: Moment) -> Vec<TakeOff> {
        let grants = self.grants.iter_mut().filter(|(_, grant)| grant.flight.is_none());
        grants.filter_map(|(id, grant)| grant.due(*id, now)).collect()
    }

    /// Drops what nobody has used for a day.
    pub(super) fn tidy(&mut self, now: Moment) {
        self.grants.retain(|_, grant| {
            grant.failures.tidy(now.boot);
            grant.keys.retain(|_, key| !key.unused_for(UNUSED, now));
            grant.flight.is_some() || !grant.keys.is_empty()
        });
    }

    /// Forgets every failure, so that the next login asks again.
    pub(super) fn forget_failures(&mut self) {
        self.grants.values_mut().for_each(|grant| grant.failures.clear());
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.grants.values().map(|grant| grant.keys.len()).sum()
    }
}

/// For those who wait, and for nobody after them.
fn unshelved(result: Result<Issued, TokenError>, now: Moment) -> Outcome {
    match result {
        Ok(issued) => Ok(Arc::new(AccessToken::new(issued, now))),
        Err(error) => Err(Arc::new(error)),
    }
}

impl GrantState {
    /// The state of a key that a login uses now.
    fn key(&mut self, request: &TokenRequest, now: Moment) -> &mut KeyState {
        let key = self.key_unused(request, now);
        key.used = now.boot;
        key.last = LastRequest::of(request);
        key
    }

    fn key_unused(&mut self, request: &TokenRequest, now: Moment) -> &mut KeyState {
        self.keys
            .entry(request.key.scopes.clone())
            .or_insert_with(|| KeyState::new(request, now))
    }

    fn take_off(&mut self, request: TokenRequest, now: Moment) -> (Flight, Option<TakeOff>) {
        let (landing, flight) = Flight::new(&request, now.boot);
        self.flight = Some(flight.clone());
        let epoch = self.epoch;
        (
            flight,
            Some(TakeOff {
                request,
                epoch,
                landing,
            }),
        )
    }

    /// The flight of the first key that is due: flights of one grant follow each other.
    fn due(&mut self, id: GrantKey, now: Moment) -> Option<TakeOff> {
        let due = self.keys.iter().filter(|(_, key)| key.is_due(now));
        let mut requests = due.filter_map(|(scopes, key)| key.last.request(id, scopes));
        let is_free = |request: &TokenRequest| {
            let remembered = self.failures.remembered(request, Duration::ZERO, now.boot);
            remembered.is_none()
        };
        let request = requests.find(is_free)?;
        self.take_off(request, now).1
    }
}

impl KeyState {
    fn new(request: &TokenRequest, now: Moment) -> Self {
        Self {
            token: None,
            got: None,
            held_until: Duration::ZERO,
            forced: None,
            used: now.boot,
            last: LastRequest::of(request),
        }
    }

    /// The token, if nothing has to be asked for.
    fn at_hand(&self, want: Want, now: Moment) -> Option<Arc<AccessToken>> {
        let good = |token: &&Arc<AccessToken>| match want {
            Want::Fresh => token.is_fresh(now) || (token.is_alive(now) && self.is_held(now)),
            Want::OtherThan(refused) => token.fingerprint() != refused && token.is_usable(now),
            Want::Since(since) => token.minted().boot >= since || (token.is_alive(now) && self.is_held(now)),
        };
        self.token.as_ref().filter(good).cloned()
    }

    /// The token, if it is better than none.
    fn fallback(&self, want: Want, now: Moment) -> Option<Arc<AccessToken>> {
        let good = |token: &&Arc<AccessToken>| matches!(want, Want::Fresh) && token.is_usable(now);
        self.token.as_ref().filter(good).cloned()
    }

    /// Whether the token, if there is one, was got with what a request proves itself with: after a reload with another client
    /// secret it is not, and whether that secret is right shows before the last token of the old one has ended.
    fn was_got_with(&mut self, request: &TokenRequest) -> bool {
        let Some(got) = &mut self.got else { return true };
        if got.app.as_ptr() == Arc::as_ptr(&request.app) {
            return true;
        }
        let is_same = got.proof == request.proof();
        if is_same {
            got.app = Arc::downgrade(&request.app);
        }
        is_same
    }

    fn is_held(&self, now: Moment) -> bool {
        self.held_until > now.boot
    }

    fn may_be_forced(&self, now: Moment) -> bool {
        let lately = |forced| now.boot.saturating_sub(forced) < BETWEEN_FORCED;
        !self.is_held(now) && !self.forced.is_some_and(lately)
    }

    fn unused_for(&self, long: Duration, now: Moment) -> bool {
        now.boot.saturating_sub(self.used) >= long
    }

    /// Whether it should be renewed while nobody waits: a third of its life has passed, or a little less.
    fn is_due(&self, now: Moment) -> bool {
        if self.unused_for(RECENT, now) || self.is_held(now) {
            return false;
        }
        self.token
            .as_ref()
            .is_none_or(|token| now.since(token.minted()) >= token.renewal())
    }

    /// Puts a token in its place.
    fn shelve(
        &mut self,
        request: &TokenRequest,
        issued: Issued,
        failures: u32,
        now: Moment,
    ) -> (Arc<AccessToken>, Report) {
        let token = AccessToken::new(issued, now);
        self.got = Some(Got {
            app: Arc::downgrade(&request.app),
            proof: request.proof(),
        });
        if let Some(old) = &self.token
            && old.fingerprint() == token.fingerprint()
            && old.is_alive(now)
        {
            self.held_until = now.boot + HOLD;
            return (Arc::clone(old), Report::Same);
        }
        let (token, first) = (Arc::new(token), self.token.is_none());
        self.token = Some(Arc::clone(&token));
        self.held_until = Duration::ZERO;
        (token, Report::Issued { first, failures })
    }
}

impl LastRequest {
    fn of(request: &TokenRequest) -> Self {
        Self {
            app: Arc::downgrade(&request.app),
            account: request.account.clone(),
            name: request.name.clone(),
            mailbox: request.mailbox.clone(),
            owner: request.owner.clone(),
            password: request.password.as_ref().map(Arc::downgrade),
            by_operator: request.by_operator,
        }
    }

    /// The request again, unless a reload has removed its app.
    fn request(&self, grant: GrantKey, scopes: &str) -> Option<TokenRequest> {
        Some(TokenRequest {
            key: TokenKey {
                grant,
                scopes: scopes.into(),
            },
            app: self.app.upgrade()?,
            account: self.account.clone(),
            name: self.name.clone(),
            mailbox: self.mailbox.clone(),
            owner: self.owner.clone(),
            password: self.password.as_ref().and_then(Weak::upgrade),
            by_operator: self.by_operator,
        })
    }
}
