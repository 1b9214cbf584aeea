//! How much is sent from each mailbox: counted and told, never held up.

use std::collections::HashMap;

use tokio::time::Instant;

/// Messages that Exchange Online takes from a mailbox in a minute; what is above it delays.
const MESSAGES_A_MINUTE: u32 = 30;

/// Recipients that Exchange Online takes from a mailbox in a day; what is above it refuses.
const RECIPIENTS_A_DAY: u32 = 10_000;

/// Mailboxes that are counted. Of more, the one that has been quiet for the longest time is forgotten.
const MOST_MAILBOXES: usize = 4_096;

/// What was sent from all mailboxes.
#[derive(Debug, Default)]
pub(super) struct Rates {
    mailboxes: HashMap<Box<str>, Rate>,
    began: Option<Instant>,
}

/// What was sent from one.
#[derive(Debug)]
struct Rate {
    minute: Window<12>,
    day: Window<24>,
    messages: Level,
    recipients: Level,
    last: u64,
}

/// What the operator should know of a mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Warning {
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) fix: &'static str,
    /// Whether mail is about to be refused, which somebody has to hear of. What is only delayed is for the log.
    pub(super) urgent: bool,
}

const MESSAGES: [Warning; 2] = [
    Warning {
        what: "a mailbox has sent 24 messages in a minute",
        why: "Exchange takes 30 messages a minute from a mailbox and delays the rest",
        fix: "nothing has to be done; if mail is in a hurry, send it from several mailboxes",
        urgent: false,
    },
    Warning {
        what: "a mailbox has sent 30 messages in a minute",
        why: "that is all that Exchange takes from a mailbox: it delays the rest, so that senders wait",
        fix: "send from several mailboxes, or set the sending program to fewer messages a minute",
        urgent: false,
    },
];

const RECIPIENTS: [Warning; 2] = [
    Warning {
        what: "a mailbox has sent to 8,000 recipients in 24 hours",
        why: "Exchange takes 10,000 recipients a day from a mailbox and refuses the rest",
        fix: "send to distribution lists (each counts as one), or from several mailboxes",
        urgent: true,
    },
    Warning {
        what: "a mailbox has sent to 10,000 recipients in 24 hours",
        why: "that is all that Exchange takes from a mailbox in a day: it refuses the rest until older ones are a day old",
        fix: "find out what sends so much (`account` names it); send to distribution lists, or from several mailboxes",
        urgent: true,
    },
];

impl Rates {
    /// Counts what was sent; what is to be told of it, once for each crossing of a mark.
    pub(super) fn count(
        &mut self,
        mailbox: &str,
        messages: u32,
        recipients: u32,
        now: Instant,
    ) -> [Option<Warning>; 2] {
        let began = *self.began.get_or_insert(now);
        let second = now.duration_since(began).as_secs();
        if !self.mailboxes.contains_key(mailbox) {
            self.make_room();
            self.mailboxes.insert(mailbox.into(), Rate::default());
        }
        let Some(rate) = self.mailboxes.get_mut(mailbox) else {
            return [None; 2];
        };
        rate.last = second;
        let messages = rate.minute.add(second / 5, messages);
        let recipients = rate.day.add(second / 3_600, recipients);
        [
            rate.messages
                .crossed(messages, MESSAGES_A_MINUTE)
                .map(|mark| MESSAGES[mark]),
            rate.recipients
                .crossed(recipients, RECIPIENTS_A_DAY)
                .map(|mark| RECIPIENTS[mark]),
        ]
    }

    fn make_room(&mut self) {
        if self.mailboxes.len() < MOST_MAILBOXES {
            return;
        }
        let quietest = self.mailboxes.iter().min_by_key(|(_, rate)| rate.last);
        if let Some(name) = quietest.map(|(name, _)| name.clone()) {
            self.mailboxes.remove(&name);
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            minute: Window::new(),
            day: Window::new(),
            messages: Level::default(),
            recipients: Level::default(),
            last: 0,
        }
    }
}

/// A sum over the last `N` slots of time.
#[derive(Debug)]
struct Window<const N: usize> {
    counts: [u32; N],
    slot: u64,
}

impl<const N: usize> Window<N> {
    fn new() -> Self {
        Self {
            counts: [0; N],
            slot: 0,
        }
    }

    /// Adds to the slot of now, which is none before the last one; the sum.
    fn add(&mut self, slot: u64, count: u32) -> u32 {
        let index = |slot: u64| usize::try_from(slot % N as u64).unwrap_or_default();
        let passed = slot.saturating_sub(self.slot).min(N as u64);
        for gone in 0..passed {
            self.counts[index(slot - gone)] = 0;
        }
        self.slot = slot;
        let now = &mut self.counts[index(slot)];
        *now = now.saturating_add(count);
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Which marks of a limit have been told.
#[derive(Debug, Default)]
struct Level(usize);

impl Level {
    /// The mark that is new: 0 for four fifths of the limit, 1 for all of it. Below three fifths, marks count anew: a rate
    /// that stays about a mark would be told again and again.
    fn crossed(&mut self, sum: u32, limit: u32) -> Option<usize> {
        let fifths = u64::from(sum) * 5 / u64::from(limit);
        if fifths < 3 {
            self.0 = 0;
        }
        let level = match fifths {
            5.. => 2,
            4 => 1,
            _ => 0,
        };
        let new = level > self.0;
        self.0 = self.0.max(level);
        new.then(|| level - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(rates: &mut Rates, sent: (u32, u32), now: Instant) -> Vec<&'static str> {
        let warnings = rates.count("a@x", sent.0, sent.1, now);
        warnings
            .into_iter()
            .flatten()
            .map(|warning| warning.what)
            .collect()
    }

    #[test]
    fn each_crossing_of_a_mark_is_told_once() {
        let (mut rates, began) = (Rates::default(), Instant::now());
        let second = |number: u64| began + Duration::from_secs(number);
        let seen: Vec<_> = (0..60).map(|at| told(&mut rates, (1, 1), second(at))).collect();
        let at: Vec<_> = (0..60).filter(|at| !seen[*at].is_empty()).collect();
        assert_eq!(at, [23, 29]);
        assert_eq!(seen[23], [MESSAGES[0].what]);
        assert_eq!(seen[29], [MESSAGES[1].what]);
        // A minute without mail, and the marks count anew.
        assert_eq!(told(&mut rates, (1, 1), second(130)), [""; 0]);
        assert_eq!(told(&mut rates, (23, 1), second(131)), [MESSAGES[0].what]);
        assert_eq!(told(&mut rates, (300, 1), second(132)), [MESSAGES[1].what]);
    }

    #[test]
    fn recipients_count_for_a_day() {
        let (mut rates, began) = (Rates::default(), Instant::now());
        let hour = |number: u64| began + Duration::from_secs(3_600 * number);
        let all: Vec<_> = (0..48).map(|at| told(&mut rates, (1, 350), hour(at))).collect();
        let at: Vec<_> = (0..48).filter(|at| !all[*at].is_empty()).collect();
        // 23 times 350 is more than 8,000; the 24 hours of a day have 8,400 and never more.
        assert_eq!(at, [22]);
        assert_eq!(told(&mut rates, (1, 2_000), hour(48)), [RECIPIENTS[1].what]);
    }

    #[test]
    fn no_more_mailboxes_are_counted_than_may_be() {
        let (mut rates, now) = (Rates::default(), Instant::now());
        for number in 0..MOST_MAILBOXES as u64 + 100 {
            rates.count(&format!("{number}@x"), 1, 1, now + Duration::from_secs(number));
        }
        assert_eq!(rates.mailboxes.len(), MOST_MAILBOXES);
        assert!(!rates.mailboxes.contains_key("0@x"));
    }
}
