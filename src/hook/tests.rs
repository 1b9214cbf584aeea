//! Once per change, again after a failure, never what has passed, and one for a flood: hours in no time.

use std::time::Duration;

use tokio::time::Instant;

use super::alert::Alert;
use super::gathering::Gathering;
use super::outbox::Outbox;
use crate::account::state::{State, Trouble, Turn};
use crate::provider::Protocol;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn trouble(state: State, code: &str) -> Trouble {
    Trouble {
        state,
        code: Some(code.into()),
        what: format!("{code} happened").into(),
        why: format!("because of {code}").into(),
        fix: "mend it".into(),
    }
}

fn turn(account: &str, was: Option<&Trouble>, now: Option<&Trouble>) -> Alert {
    Alert::account(&Turn {
        account,
        protocol: Protocol::Imap,
        was,
        now,
    })
}

fn worse(account: &str, code: &str) -> Alert {
    turn(account, None, Some(&trouble(State::NeedsAdmin, code)))
}

fn mended(account: &str, code: &str) -> Alert {
    turn(account, Some(&trouble(State::NeedsAdmin, code)), None)
}

/// One way, in a time that passes when it is told to.
struct Stage {
    gathering: Gathering,
    outbox: Outbox,
    now: Instant,
    begun: Instant,
    works: bool,
    /// When something was tried.
    tried: Vec<Duration>,
    /// What has arrived: the alerts of each delivery.
    arrived: Vec<Vec<String>>,
    given_up: usize,
}

impl Stage {
    fn of(joins: bool) -> Self {
        let now = Instant::now();
        Self {
            gathering: Gathering::default(),
            outbox: Outbox::new(joins),
            now,
            begun: now,
            works: true,
            tried: Vec::new(),
            arrived: Vec::new(),
            given_up: 0,
        }
    }

    fn say(&mut self, alert: Alert) {
        self.gathering.add(alert, self.now);
    }

    /// Lets time pass from one due moment to the next.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.deliver();
            let next = [self.gathering.next(), self.outbox.next()]
                .into_iter()
                .flatten()
                .min();
            match next.filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
        }
        self.now = end;
    }

    fn deliver(&mut self) {
        for alert in self.gathering.due(self.now) {
            assert_eq!(self.outbox.put(alert, self.now), 0);
        }
        loop {
            let batch = self.outbox.take(self.now);
            if batch.is_empty() {
                return;
            }
            self.tried.push(self.now - self.begun);
            if self.works {
                self.outbox.arrived();
                self.arrived.push(batch.iter().map(told).collect());
            } else {
                self.given_up += self.outbox.failed(self.now);
            }
        }
    }

    fn all(&self) -> Vec<&str> {
        self.arrived.iter().flatten().map(String::as_str).collect()
    }
}

fn told(alert: &Alert) -> String {
    let json = alert.json("host");
    let account = json["account"].as_str().unwrap_or("several");
    format!(
        "{account} {} {}",
        alert.state(),
        json["code"].as_str().unwrap_or("-")
    )
}

#[test]
fn each_change_is_told_once() {
    let mut stage = Stage::of(false);
    stage.say(worse("alice", "1"));
    stage.pass(MINUTE);
    stage.say(worse("alice", "2"));
    stage.pass(HOUR);
    stage.say(mended("alice", "2"));
    stage.pass(HOUR);
    stage.say(worse("alice", "1"));
    stage.pass(HOUR * 30);
    let expected = [
        "alice needs admin 1",
        "alice needs admin 2",
        "alice ready -",
        "alice needs admin 1",
    ];
    assert_eq!(stage.all(), expected);
    assert_eq!(stage.tried.len(), 4);
}

#[test]
fn a_failure_is_tried_again_after_1_5_and_30_minutes_then_hourly_for_a_day() {
    let mut stage = Stage::of(false);
    stage.works = false;
    stage.say(worse("alice", "1"));
    stage.pass(HOUR * 48);
    let first = stage.tried[0];
    let minutes: Vec<_> = stage
        .tried
        .iter()
        .map(|at| at.saturating_sub(first).as_secs() / 60)
        .collect();
    assert_eq!(minutes[..6], [0, 1, 6, 36, 96, 156]);
    assert_eq!((minutes.len(), stage.given_up), (28, 1), "{minutes:?}");
    assert!(minutes[27] >= 24 * 60 && minutes[26] < 24 * 60, "{minutes:?}");
    stage.works = true;
    stage.pass(HOUR);
    assert_eq!(stage.all(), [""; 0]);
}

#[test]
fn a_failed_alert_arrives_once_the_way_works() {
    let mut stage = Stage::of(false);
    stage.works = false;
    stage.say(worse("alice", "1"));
    stage.pass(MINUTE * 2);
    stage.works = true;
    // What is new does not wait for what has failed.
    stage.say(worse("bob", "2"));
    stage.pass(MINUTE);
    assert_eq!(stage.all(), ["bob needs admin 2"]);
    stage.pass(HOUR);
    assert_eq!(stage.all(), ["bob needs admin 2", "alice needs admin 1"]);
}

#[test]
fn a_recovery_that_overtakes_an_alert_takes_it_back() {
    // Before anything was tried.
    let mut stage = Stage::of(false);
    stage.say(worse("alice", "1"));
    stage.pass(SECOND);
    stage.say(mended("alice", "1"));
    stage.pass(HOUR);
    assert!(stage.tried.is_empty());
    // While it waits for another try.
    stage.works = false;
    stage.say(worse("alice", "1"));
    stage.pass(MINUTE / 2);
    stage.say(mended("alice", "1"));
    stage.pass(HOUR);
    assert_eq!(stage.tried.len(), 1);
    // What was told stays told: whoever heard of the first trouble hears of the end of the second.
    stage.works = true;
    stage.say(worse("alice", "1"));
    stage.pass(MINUTE);
    stage.works = false;
    stage.say(worse("alice", "2"));
    stage.pass(MINUTE / 2);
    stage.say(mended("alice", "2"));
    stage.works = true;
    stage.pass(HOUR);
    assert_eq!(stage.all(), ["alice needs admin 1", "alice ready -"]);
}

/// A delivery takes up to half a minute, and accounts do not wait for that.
#[test]
fn a_recovery_may_come_while_the_alert_is_on_its_way() {
    let now = Instant::now();
    for works in [true, false] {
        let mut outbox = Outbox::new(false);
        outbox.put(worse("alice", "1"), now);
        assert_eq!(outbox.take(now).len(), 1);
        outbox.put(mended("alice", "1"), now);
        assert!(outbox.take(now).is_empty(), "one at a time");
        if works {
            outbox.arrived();
            assert_eq!(told(&outbox.take(now)[0]), "alice ready -");
        } else {
            assert_eq!(outbox.failed(now), 0);
            assert!(outbox.take(now + HOUR).is_empty(), "nobody has heard of it");
        }
    }
}

#[test]
fn what_changes_within_seconds_is_one_mail() {
    for (joins, deliveries) in [(true, 1), (false, 3)] {
        let mut stage = Stage::of(joins);
        for (account, code) in [("alice", "1"), ("bob", "2"), ("carol", "3")] {
            stage.say(worse(account, code));
            stage.pass(SECOND / 2);
        }
        stage.pass(MINUTE);
        assert_eq!(stage.arrived.len(), deliveries, "{:?}", stage.arrived);
        let mut all = stage.all();
        all.sort_unstable();
        assert_eq!(
            all,
            ["alice needs admin 1", "bob needs admin 2", "carol needs admin 3"]
        );
    }
}

/// A client secret that has ended: every account of the tenant meets it when its mail client logs in.
#[test]
fn a_flood_is_one_alert_for_each_cause() {
    let mut stage = Stage::of(false);
    for number in 0..200 {
        stage.say(worse(&format!("user{number}"), "AADSTS7000222"));
    }
    stage.say(worse("other", "50076"));
    stage.pass(MINUTE);
    let mut all = stage.all();
    all.sort_unstable();
    assert_eq!(
        all,
        ["other needs admin 50076", "several needs admin AADSTS7000222"]
    );
    // Stragglers are not told one by one.
    for number in 200..260 {
        stage.say(worse(&format!("user{number}"), "AADSTS7000222"));
        stage.pass(SECOND * 5);
    }
    stage.pass(MINUTE * 15);
    assert_eq!(stage.all().len(), 3, "{:?}", stage.all());
    // A new secret mends all of them, and those whose alert was never told are not told.
    for number in 0..300 {
        stage.say(mended(&format!("user{number}"), "AADSTS7000222"));
    }
    stage.pass(HOUR);
    assert_eq!(stage.all()[3..], ["several ready -"]);
}

#[test]
fn a_summary_says_how_many_and_names_them() {
    let mut gathering = Gathering::default();
    let now = Instant::now();
    for number in 0..120 {
        gathering.add(worse(&format!("user{number:03}"), "1"), now);
    }
    let alert = gathering.all().pop().unwrap();
    let json = alert.json("host");
    assert_eq!(
        json["what"],
        "120 accounts (user000, user001, user002 and 117 more): 1 happened"
    );
    assert_eq!(
        (&json["account"], &json["protocol"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(json["accounts"].as_array().unwrap().len(), 100);
    assert!(alert.paragraph().contains("user119"));
    // One that has recovered meanwhile is not in it.
    let mut outbox = Outbox::new(false);
    outbox.put(alert, now);
    outbox.put(mended("user000", "1"), now);
    let json = outbox.take(now)[0].json("host");
    assert_eq!(
        json["what"],
        "119 accounts (user001, user002, user003 and 116 more): 1 happened"
    );
    outbox.arrived();
    assert!(outbox.take(now).is_empty());
}

/// Exchange says so while it moves a mailbox.
#[test]
fn what_may_pass_by_itself_is_told_after_two_minutes() {
    let waiting = trouble(State::Waiting, "busy");
    let mut stage = Stage::of(false);
    stage.say(turn("alice", None, Some(&waiting)));
    stage.pass(MINUTE);
    stage.say(turn("alice", Some(&waiting), None));
    stage.pass(HOUR);
    assert!(stage.tried.is_empty());
    stage.say(turn("alice", None, Some(&waiting)));
    stage.pass(MINUTE * 3);
    assert_eq!(stage.all(), ["alice waiting busy"]);
}

#[test]
fn more_than_can_be_kept_is_given_up_from_the_oldest() {
    let (mut outbox, now) = (Outbox::new(true), Instant::now());
    let lost: usize = (0..1_100)
        .map(|number| outbox.put(worse(&format!("user{number}"), &number.to_string()), now))
        .sum();
    assert_eq!(lost, 100);
    assert_eq!(told(&outbox.take(now)[0]), "user100 needs admin 100");
}

#[test]
fn an_end_is_told_at_each_step_and_again_for_the_next_certificate() {
    let mut stage = Stage::of(false);
    for (at, days) in [(100, 30), (100, 7), (100, 7), (100, 1), (100, 0), (900, 30)] {
        stage.say(Alert::expiry("the certificate", at, days, "renew it"));
        stage.pass(HOUR * 24);
    }
    let states: Vec<_> = stage.all();
    let soon = "several ends soon -";
    assert_eq!(states, [soon, soon, soon, "several ended -", soon]);
}

#[test]
fn every_alert_has_every_field_and_no_other() {
    let (needs, none) = (trouble(State::NeedsSignIn, "x"), Alert::test());
    let alerts = [
        turn("alice", None, Some(&needs)),
        turn("alice", Some(&needs), None),
        Alert::store_degraded("a", "b", "c", &["alice".into()]),
        Alert::store_saved(),
        Alert::store_closed("a", "b", "c"),
        Alert::store_opened(),
        Alert::expiry("the secret", 1, 7, "make another"),
        Alert::reload_refused("line 1"),
        Alert::reload_taken(),
        Alert::rate_near("alice", "a", "b", "c"),
        none,
    ];
    let mut events = Vec::new();
    for alert in &alerts {
        let json = alert.json("host");
        let mut fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = super::FIELDS.to_vec();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(fields, known);
        events.push(alert.event());
    }
    assert!(super::Event::ALL.iter().all(|event| events.contains(event)));
}
