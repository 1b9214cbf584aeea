//! The end: who is told what, who may finish, how long it takes.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::{Server, supervisor};
use crate::audit;

/// How long nothing may have been in the air before a session ends, once saslgate stops: a mail client that has just logged
/// in gets a moment to do what it came for. Scripts that send take a `421` after their login for a failure.
const QUIET: Duration = Duration::from_secs(2);

/// How long sessions in which nothing is in the air get ahead of the rest, once the time to stop has come.
const FIRST_TO_END: Duration = Duration::from_millis(200);

/// How long sessions get to wind up once they were told to end: time for a last flush, not for a peer that won't read. With
/// what goes before, the program ends within a second after its time.
const LAST_FLUSH: Duration = Duration::from_millis(500);

impl Server {
    /// Stops accepting, tells waiting mail clients to come back, hands the token store on, ends each relay once nothing is in
    /// the air in it, and those in which something still is when the time has come.
    pub async fn stop(self) {
        let until = Instant::now() + self.drain;
        supervisor::tell_stopping();
        self.house.pulse.stopping();
        self.stop_accepting.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.house.context.stopping.cancel();
        self.house.context.registry.wind_down(QUIET);
        self.sessions.close();
        self.orders.close();
        self.telling.close();
        tracing::info!(
            logged_in = self.logged_in(),
            seconds = self.drain.as_secs(),
            "stopping"
        );
        // The next saslgate waits for the store, and relays need none.
        let tokens = &self.house.context.tokens;
        let _ = tokio::join!(
            self.house.keeping.hand_on(tokens, &self.orders),
            self.drain(until),
            timeout_at(until, self.telling.wait()),
        );
        audit::stopped();
    }

    async fn drain(&self, until: Instant) {
        if timeout_at(until, self.sessions.wait()).await.is_ok() {
            return;
        }
        let registry = &self.house.context.registry;
        registry.wind_down(Duration::ZERO);
        if timeout(FIRST_TO_END, self.sessions.wait()).await.is_ok() {
            return;
        }
        let closed = registry.end_where(|_| true);
        tracing::info!(closed, "closing sessions that did not end by themselves");
        let _ = timeout(LAST_FLUSH, self.sessions.wait()).await;
    }
}
