//! What others wish of a session that is logged in: to go on, to end at rest, to end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use super::SessionId;

/// What is wished of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// That it goes on.
    GoOn,
    /// That it ends once nothing has been in the air for so long.
    EndAtRest(Why, Duration),
    /// That it ends, whatever is in the air.
    EndNow,
}

/// Why a session should end once it is at rest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// saslgate stops.
    Stopping,
    /// Others wait for its place at the mailbox.
    PlaceWanted,
}

/// The wishes for one session, which only that session listens to. Small: thousands of sessions idle at a time.
#[derive(Debug)]
pub struct Wishes {
    id: SessionId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    now: bool,
    /// How quiet it has to be, for each reason.
    stopping: Option<Duration>,
    place_wanted: Option<Duration>,
    listener: Option<Waker>,
}

impl State {
    fn wish(&self) -> Wish {
        match (self.now, self.stopping, self.place_wanted) {
            (true, ..) => Wish::EndNow,
            (false, Some(quiet), other) => {
                Wish::EndAtRest(Why::Stopping, other.map_or(quiet, |other| other.min(quiet)))
            }
            (false, None, Some(quiet)) => Wish::EndAtRest(Why::PlaceWanted, quiet),
            (false, None, None) => Wish::GoOn,
        }
    }
}

impl Wishes {
    /// No wish but that it goes on.
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            state: Mutex::default(),
        }
    }

    /// Whose they are.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// What is wished now; whoever asks is woken at every word, also when that is the same again: one more waits.
    pub fn poll(&self, cx: &Context<'_>) -> Wish {
        let mut state = self.state();
        if !state
            .listener
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            state.listener = Some(cx.waker().clone());
        }
        state.wish()
    }

    /// What is wished now.
    #[cfg(test)]
    pub(crate) fn now(&self) -> Wish {
        self.state().wish()
    }

    /// It has to end, whatever is in the air.
    pub fn end_now(&self) {
        self.change(|state| state.now = true);
    }

    /// saslgate stops: it has to end once nothing has been in the air for so long.
    pub fn wind_down(&self, quiet: Duration) {
        self.change(|state| state.stopping = Some(quiet));
    }

    /// Others wait for its place, and it has to end once nothing has been in the air for so long; or they do not any more.
    pub fn want_place(&self, quiet: Option<Duration>) {
        self.change(|state| state.place_wanted = quiet);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let listener = state.listener.clone();
        drop(state);
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_pressing_wish_counts() {
        let second = Duration::from_secs;
        let wishes = Wishes::new(SessionId::random());
        assert_eq!(wishes.now(), Wish::GoOn);
        wishes.want_place(Some(second(30)));
        assert_eq!(wishes.now(), Wish::EndAtRest(Why::PlaceWanted, second(30)));
        wishes.wind_down(second(2));
        assert_eq!(wishes.now(), Wish::EndAtRest(Why::Stopping, second(2)));
        wishes.want_place(None);
        assert_eq!(wishes.now(), Wish::EndAtRest(Why::Stopping, second(2)));
        wishes.end_now();
        assert_eq!(wishes.now(), Wish::EndNow);
    }
}
