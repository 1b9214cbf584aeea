//! A line on a terminal that says what is being waited for, and goes when there is something to read.
//!
//! It goes to standard error and only to a terminal: what is piped or logged has none of it.

use std::io::{self, IsTerminal as _, Stderr, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::control::{News, Operator};

/// What is over sooner shows nothing.
const QUICK: Duration = Duration::from_secs(1);

/// A line that is wider than the terminal could not be taken away again; the narrowest ones have this many columns.
const WIDTH: usize = 78;

/// What is shown at the moment.
pub(super) struct Progress<W = Stderr> {
    /// None where nobody looks.
    out: Option<W>,
    /// Columns that are not blank.
    shown: usize,
}

impl Progress {
    /// For a person at a terminal; for others it does nothing.
    pub(super) fn new() -> Self {
        let stderr = io::stderr();
        Self::on(stderr.is_terminal().then_some(stderr))
    }

    /// For nobody.
    pub(super) const fn none() -> Self {
        Self::on(None)
    }
}

impl<W: Write> Progress<W> {
    const fn on(out: Option<W>) -> Self {
        Self { out, shown: 0 }
    }

    /// Shows a line in the place of the one before.
    pub(super) fn show(&mut self, what: &str) {
        let line: String = what.chars().take(WIDTH).collect();
        self.replace(&line);
    }

    /// Takes the line away, so that something can be told in its place.
    pub(super) fn clear(&mut self) {
        if self.shown > 0 {
            self.replace("");
        }
    }

    fn replace(&mut self, line: &str) {
        let Some(out) = &mut self.out else {
            return;
        };
        let columns = line.chars().count();
        let blank = " ".repeat(self.shown.saturating_sub(columns));
        let back = if line.is_empty() { "\r" } else { "" };
        // A terminal that has gone away leaves nobody to tell.
        let _ = write!(out, "\r{line}{blank}{back}").and_then(|()| out.flush());
        self.shown = columns;
    }

    /// The next news of an order. Meanwhile it says what it waits for, and for how long.
    pub(super) async fn hear(&mut self, operator: &mut Operator, what: &str) -> Option<News> {
        let begun = Instant::now();
        let mut ticks = interval_at(begun + QUICK, QUICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                news = operator.hear() => {
                    self.clear();
                    return news;
                }
                now = ticks.tick() => self.show(&format!("{what} … {} s", (now - begun).as_secs())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::talk;

    fn shown(progress: &Progress<Vec<u8>>) -> String {
        String::from_utf8(progress.out.clone().unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_told_and_taken_away_when_it_is_over() {
        let (talk, mut operator) = talk();
        let mut progress = Progress::on(Some(Vec::new()));
        let server = async {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            talk.tell(News::Tested).await;
        };
        let (news, ()) = tokio::join!(progress.hear(&mut operator, "testing"), server);
        assert!(matches!(news, Some(News::Tested)), "{news:?}");
        let blank = " ".repeat("testing … 2 s".chars().count());
        assert_eq!(
            shown(&progress),
            format!("\rtesting … 1 s\rtesting … 2 s\r{blank}\r")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_quick_shows_nothing_and_a_pipe_is_never_written_to() {
        for (out, millis) in [(Some(Vec::new()), 900), (None, 5_000)] {
            let (talk, mut operator) = talk();
            let mut progress = Progress::on(out);
            let server = async {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                talk.tell(News::Tested).await;
            };
            let (news, ()) = tokio::join!(progress.hear(&mut operator, "testing"), server);
            assert!(news.is_some());
            assert!(progress.out.is_none_or(|out| out.is_empty()), "{millis}");
        }
    }

    #[test]
    fn a_shorter_line_leaves_nothing_of_a_longer_one() {
        let mut progress = Progress::on(Some(Vec::new()));
        progress.show("alice@contoso.com imap: mailbox …");
        progress.show("b@x: tcp …");
        progress.show(&"x".repeat(200));
        progress.clear();
        let text = shown(&progress);
        let lines: Vec<_> = text.split('\r').collect();
        assert_eq!(lines[2].chars().count(), lines[1].chars().count());
        assert_eq!(lines[3], "x".repeat(WIDTH));
        assert_eq!(lines[4], " ".repeat(WIDTH));
        assert_eq!(lines.len(), 6);
    }
}
