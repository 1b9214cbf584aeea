//! An operator reads an account's next login along.
//!
//! A session begins before its account is known. So while somebody waits for a login every new session is recorded, masked, and
//! within bounds; the one whose login names the account is handed over, and what others said is gone with them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::account::password::GeneratedPassword;
use crate::account::{Account, Pattern};
use crate::failure::Diagnosis;
use crate::name::LoginName;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::transport::{Leg, Overhear};
use crate::wire::{Said, Speaker};

/// What is kept of one session, in bytes: a login with all that goes before it is a tenth of it.
const MOST_KEPT: usize = 64 * 1024;

/// Who is waited for. While nobody is, a session spends one load of a number on it.
#[derive(Debug, Default)]
pub struct Traces {
    armed: AtomicUsize,
    waiting: Mutex<Vec<Waiting>>,
}

/// Whose login is wanted: of a catch-all account, that of one name.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The account.
    pub account: Pattern,
    /// The name that the operator typed.
    pub login: LoginName,
}

/// What is told of a login.
#[derive(Debug)]
pub enum Traced {
    /// A session has named the account. All that it said before follows.
    Session {
        /// Its id.
        id: Box<str>,
        /// Where it comes from.
        peer: Peer,
        /// What it speaks.
        protocol: Protocol,
    },
    /// A line of it.
    Line(Leg, Said),
    /// The login is over; with the reason, if it was refused.
    Ended(Option<Box<Diagnosis>>),
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    // Unbounded, because a session must not wait for it; what comes through is bounded by what is kept of a session.
    tell: UnboundedSender<Traced>,
}

/// The next login of an account, as soon as there is one. Nobody is waited for any more once this is dropped.
#[derive(Debug)]
pub struct Trace {
    traces: Arc<Traces>,
    told: UnboundedReceiver<Traced>,
}

impl Trace {
    /// What comes next; none once the session is gone.
    pub async fn next(&mut self) -> Option<Traced> {
        self.told.recv().await
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.told.close();
        self.traces.keep_where(|waiting| !waiting.tell.is_closed());
    }
}

impl Traces {
    /// Waits for a login.
    pub fn wait_for(self: &Arc<Self>, wanted: Wanted) -> Trace {
        let (tell, told) = unbounded_channel();
        let mut all = self.waiting();
        all.push(Waiting { wanted, tell });
        self.armed.store(all.len(), Ordering::Relaxed);
        drop(all);
        Trace {
            traces: Arc::clone(self),
            told,
        }
    }

    /// What records a session that begins now, if anybody waits for one.
    pub(super) fn recording(
        self: &Arc<Self>,
        id: &str,
        peer: Peer,
        protocol: Protocol,
    ) -> Option<Arc<Recording>> {
        (self.armed.load(Ordering::Relaxed) > 0).then(|| {
            Arc::new(Recording {
                traces: Arc::clone(self),
                id: id.into(),
                peer,
                protocol,
                tape: Mutex::default(),
            })
        })
    }

    /// Those who wait for a login of that account, who then wait no more.
    fn take(&self, account: &Pattern, login: Option<&LoginName>) -> Vec<UnboundedSender<Traced>> {
        let mut met = Vec::new();
        self.keep_where(|waiting| {
            let meets = waiting.wanted.is(account, login);
            if meets {
                met.push(waiting.tell.clone());
            }
            !meets
        });
        met
    }

    fn keep_where(&self, keep: impl FnMut(&Waiting) -> bool) {
        let mut all = self.waiting();
        all.retain(keep);
        self.armed.store(all.len(), Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn is(&self, account: &Pattern, login: Option<&LoginName>) -> bool {
        self.account == *account
            && (matches!(account, Pattern::Login(_)) || login.is_some_and(|login| *login == self.login))
    }
}

/// What one session has said so far, and who hears it from now on.
#[derive(Debug)]
pub(super) struct Recording {
    traces: Arc<Traces>,
    id: Box<str>,
    peer: Peer,
    protocol: Protocol,
    tape: Mutex<Tape>,
}

#[derive(Debug, Default)]
struct Tape {
    kept: usize,
    lines: Vec<(Leg, Said)>,
    tell: Vec<UnboundedSender<Traced>>,
}

impl Recording {
    /// A login means that account: whoever waits for it hears everything, from the first byte on.
    pub(super) fn account_meant(&self, account: &Account, login: Option<&LoginName>) {
        let mut met = self.traces.take(&account.name, login);
        let mut tape = self.tape();
        for tell in &met {
            let _ = tell.send(Traced::Session {
                id: self.id.clone(),
                peer: self.peer,
                protocol: self.protocol,
            });
            for (leg, said) in &tape.lines {
                let _ = tell.send(Traced::Line(*leg, said.clone()));
            }
        }
        tape.tell.append(&mut met);
    }

    /// The login is over.
    pub(super) fn ended(&self, refused: Option<&Diagnosis>) {
        for tell in std::mem::take(&mut self.tape().tell) {
            let _ = tell.send(Traced::Ended(refused.cloned().map(Box::new)));
        }
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overhear for Recording {
    fn line(&self, _session: &str, leg: Leg, said: Said) {
        let mut tape = self.tape();
        let mut said = Said {
            by: said.by,
            line: without_passwords(&said.line),
        };
        if tape.kept >= MOST_KEPT {
            return;
        }
        tape.kept += said.line.len() + size_of::<(Leg, Said)>();
        if tape.kept >= MOST_KEPT {
            said = Said {
                by: Speaker::Us,
                line: "(there is more, which is not kept)".into(),
            };
        }
        tape.tell
            .retain(|tell| tell.send(Traced::Line(leg, said.clone())).is_ok());
        tape.lines.push((leg, said));
    }
}

/// A generated password is known by its form wherever it was typed: as a tag, as the name of a machine.
fn without_passwords(line: &str) -> String {
    let mask = |word: &str| {
        let bare = word.trim_matches(|end: char| !end.is_ascii_alphanumeric());
        if GeneratedPassword::could_be(bare) {
            "***".to_owned()
        } else {
            word.to_owned()
        }
    };
    // It may be typed with spaces in it.
    if let Some((verb, rest)) = line.split_once(' ')
        && GeneratedPassword::could_be(rest)
    {
        return format!("{verb} ***");
    }
    line.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Said {
        Said {
            by: Speaker::Peer,
            line: line.to_owned(),
        }
    }

    fn recording(traces: &Arc<Traces>) -> Option<Arc<Recording>> {
        traces.recording("s1", Peer::new("192.0.2.1:1".parse().unwrap()), Protocol::Imap)
    }

    fn login(name: &str) -> LoginName {
        LoginName::parse(name.as_bytes()).unwrap()
    }

    #[test]
    fn nothing_is_recorded_unless_somebody_waits() {
        let traces = Arc::new(Traces::default());
        assert!(recording(&traces).is_none());
        let wanted = Wanted {
            account: Pattern::Login(login("a@x.example")),
            login: login("a@x.example"),
        };
        let trace = traces.wait_for(wanted);
        assert!(recording(&traces).is_some());
        drop(trace);
        assert!(recording(&traces).is_none());
    }

    #[test]
    fn of_a_catch_all_the_one_name_is_waited_for() {
        let wanted = Wanted {
            account: Pattern::Domain("x.example".into()),
            login: login("a@x.example"),
        };
        assert!(wanted.is(&wanted.account, Some(&login("a@x.example"))));
        assert!(!wanted.is(&wanted.account, Some(&login("b@x.example"))));
        assert!(!wanted.is(&wanted.account, None));
    }

    #[test]
    fn a_session_is_kept_within_bounds() {
        let traces = Arc::new(Traces::default());
        let name = login("a@x.example");
        let wanted = Wanted {
            account: Pattern::Login(name.clone()),
            login: name,
        };
        let _trace = traces.wait_for(wanted);
        let recording = recording(&traces).unwrap();
        for _ in 0..10_000 {
            recording.line("s1", Leg::Downstream, said(&"x".repeat(500)));
        }
        let tape = recording.tape();
        let kept: usize = tape.lines.iter().map(|(_, said)| said.line.len()).sum();
        assert!((MOST_KEPT / 2..=MOST_KEPT).contains(&kept), "{kept} bytes");
        assert_eq!(
            tape.lines.last().unwrap().1.line,
            "(there is more, which is not kept)"
        );
    }

    #[test]
    fn a_generated_password_is_masked_wherever_it_stands() {
        let (password, _) = GeneratedPassword::make().unwrap();
        let typed = password.text();
        let spaced = typed.replace('-', " ");
        for (line, shown) in [
            (format!("{typed} NOOP"), "*** NOOP"),
            (
                format!("EHLO {}", typed.replace('-', "").to_uppercase()),
                "EHLO ***",
            ),
            (format!("EHLO {spaced}"), "EHLO ***"),
            (format!("* BAD <{typed}>."), "* BAD ***"),
            ("EHLO mail.example.com".into(), "EHLO mail.example.com"),
        ] {
            assert_eq!(without_passwords(&line), shown);
        }
    }
}
