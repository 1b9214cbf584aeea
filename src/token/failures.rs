//! Failures are remembered for a while, so that a thousand logins in an outage cost a handful of requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::request::{Proof, TokenRequest};
use crate::oauth::{Kind, TokenError};

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause of our own: whoever mends something at the provider should not wait longer for mail.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The shortest pause, whatever a provider says: at most four requests a minute while it fails.
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);

/// How long an old failure counts toward the next pause.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// The failures of one grant that nothing has mended yet.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Failure>);

#[derive(Debug)]
struct Failure {
    proof: Proof,
    scopes: Box<str>,
    error: Arc<TokenError>,
    at: Duration,
    until: Duration,
    strikes: u32,
}

impl Failure {
    /// Whether the provider said how long to stay away.
    fn has_a_date(&self) -> bool {
        matches!(self.error.kind, Kind::Temporary { retry_after: Some(_) })
    }

    /// Whether it stands for what a request would meet. A fault that passes is one of the endpoint, whatever the scopes.
    fn concerns(&self, request: &TokenRequest, proof: Proof) -> bool {
        self.proof == proof && (self.error.is_temporary() || self.scopes == request.key.scopes)
    }
}

/// Whether a failure is news.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum News {
    /// It worked before, or failed in another way.
    New,
    /// It is the same trouble as before.
    Known,
}

impl Failures {
    /// The remembered error, if it is too early to ask again. What failed before `since` may have been mended by whoever asks
    /// now, and is remembered only where the provider itself has said when to come back. Both are of the boot-time clock.
    pub(super) fn remembered(
        &self,
        request: &TokenRequest,
        since: Duration,
        now: Duration,
    ) -> Option<Arc<TokenError>> {
        if self.0.is_empty() {
            return None;
        }
        let proof = request.proof();
        let mut standing = self
            .0
            .iter()
            .filter(|failure| failure.until > now && (failure.at >= since || failure.has_a_date()));
        let failure = standing.find(|failure| failure.concerns(request, proof))?;
        Some(Arc::clone(&failure.error))
    }

    /// Remembers a failure: whether it is news, and how long nobody asks again.
    pub(super) fn add(
        &mut self,
        request: &TokenRequest,
        error: &Arc<TokenError>,
        now: Duration,
    ) -> (News, Duration) {
        let proof = request.proof();
        let same = |failure: &Failure| failure.proof == proof && failure.scopes == request.key.scopes;
        let before = self.0.iter().position(same).map(|at| self.0.swap_remove(at));
        let strikes = before
            .as_ref()
            .map_or(1, |before| before.strikes.saturating_add(1));
        let pause = pause(error, strikes);
        let known = before.is_some_and(|before| is_same_trouble(&before.error, error));
        self.0.push(Failure {
            proof,
            scopes: request.key.scopes.clone(),
            error: Arc::clone(error),
            at: now,
            until: now + pause,
            strikes,
        });
        (if known { News::Known } else { News::New }, pause)
    }

    /// A success mends the failures that it disproves: how many requests had failed.
    pub(super) fn mended_by(&mut self, request: &TokenRequest) -> u32 {
        let proof = request.proof();
        let mended = self.0.extract_if(.., |failure| failure.concerns(request, proof));
        mended.map(|failure| failure.strikes).sum()
    }

    /// That somebody has to sign in, if nothing has mended it, however long ago it was said.
    pub(super) fn ended_sign_in(&self, request: &TokenRequest) -> Option<Arc<TokenError>> {
        let proof = request.proof();
        let mut concerning = self.0.iter().filter(|failure| failure.concerns(request, proof));
        let ended = concerning.find(|failure| failure.error.kind == Kind::NeedsSignIn)?;
        Some(Arc::clone(&ended.error))
    }

    /// The last failure that nothing has mended yet.
    pub(super) fn last(&self) -> Option<Arc<TokenError>> {
        self.0.last().map(|failure| Arc::clone(&failure.error))
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets those of long ago: of a client secret that was replaced, of scopes that nobody asks for.
    pub(super) fn tidy(&mut self, now: Duration) {
        self.0
            .retain(|failure| now.saturating_sub(failure.until) < FORGOTTEN);
    }
}

fn is_same_trouble(before: &TokenError, after: &TokenError) -> bool {
    before.code == after.code && before.what == after.what
}

/// How long nobody asks again after so many failures.
pub(super) fn pause(error: &TokenError, strikes: u32) -> Duration {
    if let Kind::Temporary {
        retry_after: Some(pause),
    } = error.kind
    {
        return pause.max(SHORTEST_PAUSE);
    }
    let doubled = FIRST_PAUSE.saturating_mul(1 << (strikes - 1).min(8));
    jittered(doubled.min(LONGEST_PAUSE))
}

/// Up to a quarter longer, so that several saslgates do not come back in the same second.
fn jittered(pause: Duration) -> Duration {
    // A hasher with random keys is the standard library's one source of chance.
    let chance = RandomState::new().hash_one(0);
    pause + pause / 4 * u32::try_from(chance % 256).unwrap_or_default() / 256
}
