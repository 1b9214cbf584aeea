//! Times and states as a page says them.

use std::time::{Duration, SystemTime};

use crate::account::state::State;
use crate::control::seconds;
use crate::hook::clock;
use crate::web::html::Html;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long ago a moment was: `3 hours ago`.
pub(super) fn ago(at: u64) -> String {
    match seconds(SystemTime::now()).saturating_sub(at) {
        0..MINUTE => "just now".to_owned(),
        since => format!("{} ago", span(since)),
    }
}

/// How far away a moment is: `in 3 days`, or `ended 2 days ago`.
pub(super) fn until(at: u64) -> String {
    let now = seconds(SystemTime::now());
    if at <= now {
        return format!("ended {}", ago(at));
    }
    format!("in {}", span(at - now))
}

/// A moment for whoever reads of it later, to the minute: `2026-11-21 20:50 UTC`.
pub(super) fn moment(at: u64) -> String {
    let time = clock::rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    let (day, rest) = time.split_once('T').unwrap_or((&time, ""));
    let minute = rest.get(..5).unwrap_or_default();
    format!("{day} {minute} UTC")
}

/// A length of time in its largest unit.
pub(super) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A state: by its word, a sign and a colour, so that none of them is needed.
pub(super) fn state(state: State, html: &mut Html) {
    let (class, sign) = match state {
        State::Ready => ("<span class=\"state ready\">", "\u{2714}"),
        State::Waiting => ("<span class=\"state waiting\">", "\u{231b}"),
        State::NeedsSignIn => ("<span class=\"state sign-in\">", "\u{26a0}"),
        State::NeedsAdmin => ("<span class=\"state admin\">", "\u{2716}"),
        State::Off => ("<span class=\"state off\">", "\u{25cb}"),
    };
    html.raw(class)
        .raw("<span aria-hidden=\"true\">")
        .raw(sign)
        .raw("</span> ");
    html.text(state.name()).raw("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_largest_unit() {
        let table = [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (3 * HOUR, "3 hours"),
            (DAY, "1 day"),
            (400 * DAY, "400 days"),
        ];
        for (seconds, said) in table {
            assert_eq!(span(seconds), said);
        }
        assert_eq!(table.len(), 6);
        assert_eq!(ago(seconds(SystemTime::now())), "just now");
        assert_eq!(moment(1_795_294_259), "2026-11-21 20:50 UTC");
        assert_eq!(until(1), format!("ended {}", ago(1)));
    }
}
