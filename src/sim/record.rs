//! What every mail session did, for asserts. Tokens and passwords are masked before they get here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::faults::{Moment, Protocol};
use super::knob::Knob;
use super::tls::TlsFacts;

/// Sessions remembered; the oldest are forgotten first, so that a load run does not grow without end.
const REMEMBERED: usize = 20_000;

/// Who a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// Sign-in name of the user, or `None` for an app that acts for itself.
    pub user: Option<String>,
    /// Object id of the user or service principal.
    pub object_id: String,
    /// Client id of the app.
    pub client_id: String,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

/// Why a login was refused although its form was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Not a token of this simulator.
    NotOurToken,
    /// The token is for another resource, such as Graph.
    WrongAudience,
    /// The token has ended.
    Expired,
    /// The token's `scp` or `roles` do not name the protocol.
    MissingPermission,
    /// No mailbox of that name.
    UnknownMailbox,
    /// The mailbox belongs to another tenant than the token.
    WrongTenant,
    /// The token's user may not open that mailbox.
    NotTheOwner,
    /// `New-ServicePrincipal` was never run for the app.
    ServicePrincipalUnknown,
    /// The app has no right in that mailbox.
    NoFullAccess,
    /// The protocol is off for the mailbox or the organisation.
    ProtocolOff,
    /// The mailbox has no licence.
    NotLicensed,
    /// A refusal that the test asked for.
    Planned,
    /// A login with a password.
    Password,
    /// The form was wrong: base64, XOAUTH2, line form, or a mechanism that isn't offered.
    Malformed,
}

/// How far a session has come, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Connected, not logged in.
    Open,
    /// The TLS handshake failed; what rustls said.
    TlsFailed(String),
    /// Logged in and still there.
    LoggedIn,
    /// Logged in and ended.
    Ended,
    /// Told that it is logged in, but no mailbox opens.
    NotConnected(Cause),
    /// The last login was refused.
    Refused(Cause),
    /// Ended before any login.
    Left,
    /// Ended by a planned fault.
    Faulted(Moment),
    /// Given to the test after the login.
    HandedOver,
}

/// One session.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// Counts from 1 in the order of acceptance.
    pub id: u64,
    /// Its protocol.
    pub protocol: Protocol,
    /// The `user=` of its last login.
    pub user: Option<String>,
    /// Who its last token stood for, if it was one of ours.
    pub token: Option<TokenFacts>,
    /// TLS, once it is up.
    pub tls: Option<TlsFacts>,
    /// The server name that the TLS hello asked for, even if the handshake failed.
    pub server_name: Option<String>,
    /// Every line received before the login, secrets masked.
    pub commands: Vec<String>,
    /// Commands received after the login.
    pub commands_after_login: u64,
    /// Whether any part of a login was received without TLS.
    pub login_in_clear: bool,
    /// Bytes that stood behind STARTTLS in clear, which nobody may send.
    pub bytes_behind_starttls: usize,
    /// How it stands.
    pub outcome: Outcome,
    /// Whether its connection is still open.
    pub open: bool,
}

/// Counters over all sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Full TLS handshakes.
    pub tls_full: u64,
    /// Resumed TLS handshakes.
    pub tls_resumed: u64,
    /// Logins that opened a mailbox.
    pub logins_ok: u64,
    /// Logins refused, whatever the reason.
    pub logins_refused: u64,
}

#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    open: AtomicU64,
    tls_full: AtomicU64,
    tls_resumed: AtomicU64,
    logins_ok: AtomicU64,
    logins_refused: AtomicU64,
}

/// The book in which sessions write.
pub(crate) struct Records {
    sessions: Knob<VecDeque<Arc<Knob<SessionRecord>>>>,
    tally: Tally,
    changed: watch::Sender<()>,
}

impl Records {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Knob::default(),
            tally: Tally::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Opens the page of a new session.
    pub(crate) fn open(self: &Arc<Self>, protocol: Protocol) -> Recorder {
        let id = self.tally.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        let page = Arc::new(Knob::new(SessionRecord {
            id,
            protocol,
            user: None,
            token: None,
            tls: None,
            server_name: None,
            commands: Vec::new(),
            commands_after_login: 0,
            login_in_clear: false,
            bytes_behind_starttls: 0,
            outcome: Outcome::Open,
            open: true,
        }));
        self.sessions.change(|sessions| {
            if sessions.len() == REMEMBERED {
                sessions.pop_front();
            }
            sessions.push_back(Arc::clone(&page));
        });
        self.changed.send_replace(());
        Recorder {
            page,
            records: Arc::clone(self),
        }
    }

    pub(crate) fn sessions(&self) -> Vec<SessionRecord> {
        self.sessions
            .change(|sessions| sessions.iter().map(|page| page.get()).collect())
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.tally.accepted),
            open: read(&self.tally.open),
            tls_full: read(&self.tally.tls_full),
            tls_resumed: read(&self.tally.tls_resumed),
            logins_ok: read(&self.tally.logins_ok),
            logins_refused: read(&self.tally.logins_refused),
        }
    }

    /// Wakes those who wait for something that isn't in a session's record.
    pub(crate) fn touch(&self) {
        self.changed.send_replace(());
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// The pen of one session. Dropping it ends the record.
pub(crate) struct Recorder {
    page: Arc<Knob<SessionRecord>>,
    records: Arc<Records>,
}

impl Recorder {
    /// The session's number.
    pub(crate) fn id(&self) -> u64 {
        self.page.change(|page| page.id)
    }

    /// Who holds the rights of this login: the token's user, or its app.
    pub(crate) fn holder(&self) -> Option<String> {
        self.page.change(|page| {
            let token = page.token.as_ref()?;
            Some(token.user.clone().unwrap_or_else(|| token.client_id.clone()))
        })
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut SessionRecord)) {
        self.page.change(change);
        self.records.changed.send_replace(());
    }

    /// A command after the login; nobody is woken, for a relay may carry very many.
    pub(crate) fn count_command(&self) {
        self.page.change(|page| page.commands_after_login += 1);
    }

    pub(crate) fn tls(&self, facts: TlsFacts) {
        let tally = &self.records.tally;
        let counter = if facts.resumed {
            &tally.tls_resumed
        } else {
            &tally.tls_full
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.note(|page| page.tls = Some(facts));
    }

    pub(crate) fn outcome(&self, outcome: Outcome) {
        let tally = &self.records.tally;
        match outcome {
            Outcome::LoggedIn => tally.logins_ok.fetch_add(1, Ordering::Relaxed),
            Outcome::Refused(_) | Outcome::NotConnected(_) => {
                tally.logins_refused.fetch_add(1, Ordering::Relaxed)
            }
            _ => 0,
        };
        self.note(|page| page.outcome = outcome);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.records.tally.open.fetch_sub(1, Ordering::Relaxed);
        self.note(|page| {
            page.open = false;
            match page.outcome {
                Outcome::Open => page.outcome = Outcome::Left,
                Outcome::LoggedIn => page.outcome = Outcome::Ended,
                _ => {}
            }
        });
    }
}
