//! How far saslgate is between its start and its end, and whether what has to go on still does.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    ready: AtomicBool,
    stopping: AtomicBool,
    /// What has ended before its time. Nothing of it comes back by itself.
    lost: Mutex<Vec<Box<str>>>,
}

impl Pulse {
    /// Mail clients are served from now on.
    pub(super) fn ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// It has begun to stop.
    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether mail clients are served, and the word for how far it is.
    pub(super) fn stage(&self) -> (bool, &'static str) {
        match (
            self.stopping.load(Ordering::Relaxed),
            self.ready.load(Ordering::Relaxed),
        ) {
            (true, _) => (false, "stopping"),
            (false, true) => (true, "ready"),
            (false, false) => (false, "starting"),
        }
    }

    /// What has ended although it should go on.
    pub(super) fn lost(&self) -> Vec<Box<str>> {
        self.all_lost().clone()
    }

    /// Work that goes on until `stop`. If it ends before, by a panic or because it gives up, a restart would help.
    pub(super) fn keep<W: Future<Output = ()>>(
        self: &Arc<Self>,
        what: &str,
        stop: CancellationToken,
        work: W,
    ) -> impl Future<Output = ()> + use<W> {
        let beat = Beat {
            pulse: Arc::clone(self),
            what: what.into(),
            stop,
        };
        async move {
            let _beat = beat;
            work.await;
        }
    }

    fn all_lost(&self) -> MutexGuard<'_, Vec<Box<str>>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Beat {
    pulse: Arc<Pulse>,
    what: Box<str>,
    stop: CancellationToken,
}

impl Drop for Beat {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            tracing::error!(
                what = &*self.what,
                fix = "restart saslgate, and report it with the lines of the log before this one",
                "something has ended that should go on: a defect"
            );
            self.pulse.all_lost().push(self.what.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn what_ends_before_its_time_is_lost() {
        let (pulse, stop) = (Arc::new(Pulse::default()), CancellationToken::new());
        let panics = pulse.keep("a panic", stop.clone(), async { panic!("as a defect would") });
        assert!(tokio::spawn(panics).await.is_err());
        pulse.keep("an end", stop.clone(), async {}).await;
        assert_eq!(pulse.lost(), ["a panic".into(), "an end".into()]);

        let goes_on = tokio::spawn(pulse.keep("work", stop.clone(), pending()));
        stop.cancel();
        goes_on.abort();
        assert!(goes_on.await.is_err());
        assert_eq!(pulse.lost().len(), 2);
    }

    #[test]
    fn mail_clients_are_served_between_start_and_stop() {
        let pulse = Pulse::default();
        assert_eq!(pulse.stage(), (false, "starting"));
        pulse.ready();
        assert_eq!(pulse.stage(), (true, "ready"));
        pulse.stopping();
        assert_eq!(pulse.stage(), (false, "stopping"));
    }
}
