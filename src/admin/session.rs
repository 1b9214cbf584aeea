//! Who is logged in, and the tokens of their forms.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{self, SystemRandom};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::time::Instant;

use super::test::Testing;
use crate::secret::Secret;

/// Whoever does nothing for so long has gone.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// A session ends after so long in any case: a browser that refreshes a page by itself is never idle.
const WHOLE: Duration = Duration::from_secs(12 * 60 * 60);

/// Sessions at one time. Who has been idle for longest goes for another.
const AT_ONCE: usize = 64;

/// What a secret that a browser brings is known by here: who reads this memory can't use it.
pub(super) type Mark = [u8; 32];

/// Who is logged in.
pub(super) struct Sessions {
    key: hmac::Key,
    all: Mutex<HashMap<Mark, Session>>,
}

struct Session {
    begun: Instant,
    seen: Instant,
    /// The test that was begun last.
    test: Option<Arc<Testing>>,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.seen) >= IDLE || now.duration_since(self.begun) >= WHOLE
    }
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            // Without the system's random numbers there would be no session either, because none can be named.
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .unwrap_or_else(|_| hmac::Key::new(hmac::HMAC_SHA256, &[0; 32])),
            all: Mutex::default(),
        }
    }

    /// A name that nobody can guess: 256 bits. None if the system has no random numbers.
    pub(super) fn name() -> Option<Secret<String>> {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        rand::fill(&mut *bytes).ok()?;
        Some(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// What a name is known by.
    pub(super) fn mark(&self, name: &Secret<String>) -> Mark {
        self.digest(b"mark", name)
    }

    /// Somebody has logged in: the name of the session, which is new whatever the browser had before.
    pub(super) fn begin(&self) -> Option<Secret<String>> {
        let name = Self::name()?;
        let now = Instant::now();
        let mut all = self.all();
        all.retain(|_, session| !session.is_over(now));
        if all.len() >= AT_ONCE {
            let oldest = all
                .iter()
                .min_by_key(|(_, session)| session.seen)
                .map(|(mark, _)| *mark);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        let session = Session {
            begun: now,
            seen: now,
            test: None,
        };
        all.insert(self.mark(&name), session);
        Some(name)
    }

    /// Whether somebody is logged in by that name, who is here now.
    pub(super) fn knows(&self, name: &Secret<String>) -> bool {
        let now = Instant::now();
        let mut all = self.all();
        let mark = self.mark(name);
        match all.get_mut(&mark) {
            Some(session) if !session.is_over(now) => {
                session.seen = now;
                true
            }
            _ => {
                all.remove(&mark);
                false
            }
        }
    }

    /// Somebody logs out.
    pub(super) fn end(&self, name: &Secret<String>) {
        self.all().remove(&self.mark(name));
    }

    /// Everybody is logged out.
    pub(super) fn end_all(&self) {
        self.all().clear();
    }

    /// What a form in a page of that session, or visit, has to bring.
    pub(super) fn form_token(&self, name: &Secret<String>) -> Secret<String> {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.digest(b"form", name)))
    }

    /// Whether a form has brought it.
    pub(super) fn is_form_token(&self, name: &Secret<String>, brought: &Secret<String>) -> bool {
        let ours = self.form_token(name);
        verify_slices_are_equal(ours.expose().as_bytes(), brought.expose().as_bytes()).is_ok()
    }

    /// Remembers the test that somebody has begun, and ends the one before.
    pub(super) fn keep_test(&self, name: &Secret<String>, test: Arc<Testing>) {
        if let Some(session) = self.all().get_mut(&self.mark(name)) {
            session.test = Some(test);
        }
    }

    /// The test that somebody has begun last.
    pub(super) fn test(&self, name: &Secret<String>) -> Option<Arc<Testing>> {
        self.all().get(&self.mark(name))?.test.clone()
    }

    fn digest(&self, what_for: &[u8], name: &Secret<String>) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(what_for);
        context.update(name.expose().as_bytes());
        let mut mark = Mark::default();
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Mark, Session>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_nobody_is_there_and_after_half_a_day_in_any_case() {
        let sessions = Sessions::new();
        let idle = sessions.begin().unwrap();
        let minute = Duration::from_secs(60);
        advance(IDLE.saturating_sub(minute)).await;
        assert!(sessions.knows(&idle));
        advance(IDLE).await;
        assert!(!sessions.knows(&idle));
        let busy = sessions.begin().unwrap();
        let mut minutes = 0;
        while sessions.knows(&busy) {
            advance(minute).await;
            minutes += 1;
        }
        assert_eq!(minutes, 12 * 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_of_one_session_is_none_of_another() {
        let sessions = Sessions::new();
        let (one, other) = (sessions.begin().unwrap(), sessions.begin().unwrap());
        let token = sessions.form_token(&one);
        assert!(sessions.is_form_token(&one, &token));
        assert!(!sessions.is_form_token(&other, &token));
        assert!(!sessions.is_form_token(&one, &one));
        assert!(!Sessions::new().is_form_token(&one, &token), "another start");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_sessions_takes_the_place_of_those_that_nobody_uses() {
        let sessions = Sessions::new();
        let (used, left) = (sessions.begin().unwrap(), sessions.begin().unwrap());
        for _ in 0..AT_ONCE * 2 {
            advance(Duration::from_secs(1)).await;
            assert!(sessions.knows(&used));
            sessions.begin().unwrap();
        }
        assert!(!sessions.knows(&left));
        sessions.end_all();
        assert!(!sessions.knows(&used));
    }
}
