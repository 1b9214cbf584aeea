//! What is told of a session in the log: one line per refused login, one at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::ended;
use super::tls;
use super::trace::Recording;
use super::{Arrival, Context, Outcome};
use crate::account::password::GeneratedPassword;
use crate::account::refusals::Refusals;
use crate::account::state::States;
use crate::account::{Accounts, Authorized, Candidate, RefusedLogin};
use crate::audit::{self, Ending, Login, Took, Visit, Why};
use crate::downstream::{Credentials, LoginRequest, Mechanism, Refusal, Unserved};
use crate::failure::{self, Diagnosis, Facts, Failure};
use crate::metrics::{Connected, Direction, Stage};
use crate::name::{LoginName, MAX_NAME, shown};
use crate::oauth::Claims;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::relay::Summary;
use crate::sessions::SessionId;
use crate::transport::{Leg, Overhear, Tap};
use crate::upstream::{Cause, Opened, Times};
use crate::wire::Said;

/// Facts and times of one session.
pub(super) struct Record {
    id: SessionId,
    peer: Peer,
    /// The balancer that names the peer.
    via: Option<Peer>,
    protocol: Protocol,
    begun: Instant,
    counted: Connected,
    details: Box<Details>,
    hearing: Option<Box<Hearing>>,
}

/// Who reads the session along until somebody is logged in.
#[derive(Default)]
struct Hearing {
    tap: Tap,
    recording: Option<Arc<Recording>>,
}

static NOBODY: Tap = Tap::nobody();

/// Boxed, because a relaying session only needs it once more, at its end.
#[derive(Default)]
struct Details {
    /// What the mail client calls itself, then the account's name.
    account: Option<Box<str>>,
    /// The account that answers to that, whether it is let in or not.
    meant: Option<Box<str>>,
    facts: Facts,
    mechanism: Option<Mechanism>,
    asked: Option<Instant>,
    refused: u32,
    /// What was wrong with TLS before a login was asked for, in few words.
    tls: Option<&'static str>,
    /// What it may mean that the mail client left without a word.
    hint: Option<String>,
    login: Duration,
    password: Duration,
    upstream: Times,
}

impl Record {
    pub(super) fn new(id: SessionId, arrival: &Arrival, context: &Context) -> Self {
        Self {
            hearing: Hearing::new(&id, arrival, context).map(Box::new),
            id,
            peer: arrival.peer,
            via: arrival.via,
            protocol: arrival.protocol,
            begun: Instant::now(),
            counted: context.metrics.connected(arrival.protocol),
            details: Box::default(),
        }
    }

    pub(super) fn id(&self) -> &str {
        self.id.as_str()
    }

    pub(super) fn session_id(&self) -> &SessionId {
        &self.id
    }

    /// Where what is said can be read along.
    pub(super) fn tap(&self) -> &Tap {
        self.hearing.as_ref().map_or(&NOBODY, |hearing| &hearing.tap)
    }

    /// A login has named itself, whether its password is right or not: somebody may wait for that account.
    pub(super) fn name_typed(&mut self, credentials: &Credentials, accounts: &Accounts) {
        if let Credentials::Password { user, .. } = credentials
            && let Ok(login) = LoginName::parse(user)
            && let Some(account) = accounts.meant_by(&login)
        {
            self.details.meant = Some(account.name.to_string().into());
            if let Some(recording) = self.recording() {
                recording.account_meant(account, Some(&login));
            }
        }
    }

    /// The last that is said of one login, and why it was refused, if it was.
    pub(super) fn overheard(&self, said: Vec<Said>, refused: Option<&Diagnosis>) {
        self.tap().pass(Leg::Downstream, said);
        if let Some(recording) = self.recording() {
            recording.ended(refused);
        }
    }

    fn recording(&self) -> Option<&Recording> {
        self.hearing.as_ref()?.recording.as_deref()
    }

    pub(super) fn login_asked(&mut self, request: &LoginRequest) {
        *self.details = Details {
            refused: self.details.refused,
            ..Details::default()
        };
        self.details.mechanism = Some(request.mechanism);
        self.details.account = Some(match &request.credentials {
            Credentials::Password { user, .. } => called(user),
            Credentials::Network(device) => device.login().as_str().into(),
        });
        self.details.asked = Some(Instant::now());
    }

    pub(super) fn password_checked(&mut self) {
        self.details.password = self.since_asked();
    }

    pub(super) fn account_known(&mut self, authorized: &Authorized, states: &States) {
        // A device shows no password.
        if let Some(meant) = &self.details.meant {
            states.refusals().right_password(meant, self.protocol);
        }
        self.details.account = Some(authorized.account().name.to_string().into());
        // A device has no name that it could have typed.
        if let Some(recording) = self.recording() {
            recording.account_meant(authorized.account(), None);
        }
        self.details.facts = Facts::of(authorized);
    }

    /// The provider judges the password. If it can't, because it wants a second factor or does not know the app, that is
    /// the account's trouble although nobody got in.
    pub(super) fn provider_asked(&mut self, candidate: &Candidate<'_>) {
        let account: Box<str> = candidate.account().to_string().into();
        let wanted = candidate.token_wanted();
        self.details.facts = Facts {
            protocol: Some(self.protocol),
            account: Some(account.clone()),
            mailbox: Some(wanted.mailbox.as_str().into()),
            owner: Some(wanted.owner.as_str().into()),
            ..Facts::default()
        };
        self.details.account = Some(account);
    }

    pub(super) fn upstream_opened(&mut self, opened: &Opened) {
        self.details.upstream = opened.times;
    }

    /// The app's own token says by which id Exchange knows the app.
    pub(super) fn token_known(&mut self, claims: Option<&Claims>) {
        if let Some(claims) = claims {
            self.details.facts.token_known(claims);
        }
    }

    /// The account works: a login got through.
    pub(super) fn account_works(&self, states: &States) {
        if let Some(account) = &self.details.facts.account
            && let Some(change) = states.logged_in(account, self.protocol)
        {
            change.log(account, self.protocol);
        }
    }

    /// The mail client is told that somebody has to sign in.
    pub(super) fn reminded(&self, account: &str) {
        tracing::info!(
            account,
            session = self.id(),
            "the mail client was asked for a sign-in"
        );
    }

    pub(super) fn login_refused(&mut self, failure: &Failure, states: &States) -> Diagnosis {
        self.details.refused += 1;
        if let Failure::Upstream(error) = failure
            && let Cause::Rejected(rejection) = &error.cause
        {
            self.counted.rejected(rejection.kind.into());
        }
        let diagnosis = failure::explain(failure, &self.details.facts);
        let why = Why {
            what: &diagnosis.what,
            why: &diagnosis.why,
            fix: &diagnosis.fix,
        };
        let refusal = format!("{:?}", failure.refusal());
        let code = diagnosis.code.as_deref();
        audit::login_refused(
            &self.visit(),
            &self.login(),
            failure.reason(),
            &refusal,
            code,
            &why,
        );
        if let (Some(account), Some(trouble)) = (&self.details.facts.account, failure.trouble(&diagnosis))
            && let Some(change) = states.trouble(account, self.protocol, trouble)
        {
            change.log(account, self.protocol);
        }
        self.remember_refusal(failure, states.refusals());
        diagnosis
    }

    /// A wrong name or password is no trouble of an account, and all that whoever sets a mail client up looks for.
    fn remember_refusal(&self, failure: &Failure, refusals: &Refusals) {
        let from = self.peer.address();
        match &self.details.meant {
            Some(account) if failure.is_wrong_password() => {
                refusals.wrong_password(account, self.protocol, from);
            }
            None if matches!(failure, Failure::Login(RefusedLogin::UnknownUser)) => {
                refusals.unknown(self.account(), self.protocol, from);
            }
            _ => {}
        }
    }

    /// What the mail client was refused, by whomever.
    pub(super) fn told(&self, refusals: impl IntoIterator<Item = Refusal>) {
        for refusal in refusals {
            self.counted.told(refusal.into());
        }
    }

    pub(super) fn mechanism_refused(&self, mechanism: &str) {
        let why = Why {
            what: "a mail client asked for a login mechanism that is not offered",
            why: "with a hashed or foreign mechanism saslgate never sees the password that it has to check",
            fix: "set the mail client to plain password, PLAIN or LOGIN (with TLS where the network is not trusted)",
        };
        audit::mechanism_refused(&self.visit(), mechanism, &why);
    }

    /// Mail came without a login, and from nobody who may do that. The line to add is what the operator looks for.
    pub(super) fn mail_refused(&self, unserved: Unserved) {
        let (why, fix) = match unserved {
            Unserved::UnknownAddress => (
                "it did not log in, and `devices` of this listener does not name its address",
                format!(
                    "have it log in; if it can't log in at all, add to this listener: devices = {{ \"{}\" = \"LOGIN\" }} (LOGIN: that of an account)",
                    self.peer.address()
                ),
            ),
            Unserved::BareLf => (
                "it ends its lines with LF alone, saslgate changes no byte of a mail, and mail hosts understand only CR LF",
                "update the device, or put a mail server such as Postfix in between".to_owned(),
            ),
        };
        let why = Why {
            what: "a device sent mail without logging in, which was refused",
            why,
            fix: &fix,
        };
        audit::mail_refused(&self.visit(), &why);
    }

    pub(super) fn logged_in(&mut self) {
        self.hearing = None;
        self.details.login = self.since_asked();
        self.counted.logged_in(self.details.login, self.details.stages());
        audit::login_accepted(&self.visit(), &self.login(), millis(self.details.login));
    }

    pub(super) fn end(&self, summary: &Summary) {
        let details = &self.details;
        self.counted.relayed(Direction::ToUpstream, summary.sent);
        self.counted.relayed(Direction::ToMailClient, summary.received);
        self.counted.ended((&summary.end).into());
        let known = failure::explain_notes(&summary.notes, &details.facts);
        let ending = Ending {
            outcome: &ended(&summary.end),
            sent: summary.sent,
            received: summary.received,
            seconds: self.begun.elapsed().as_secs(),
            took: details.took(),
            upstream_said: &summary.notes.join(" | "),
            known: known
                .as_ref()
                .map(|known| (known.code.as_deref(), &*known.why, &*known.fix)),
        };
        audit::session_ended(&self.visit(), &self.login(), &ending);
    }

    pub(super) fn end_without_login(&self, outcome: &Outcome, arrival: &Arrival) {
        self.counted.ended(outcome.into());
        let waited = self.begun.elapsed();
        let Details {
            refused, tls, hint, ..
        } = &*self.details;
        let why = tls::explained(outcome, arrival.tls, waited);
        // The long line comes once in ten minutes; what is wrong stands in each session's own.
        let outcome = match why.as_ref().map(|why| why.what).or(*tls) {
            Some(what) => format!("{outcome}: {what}"),
            None => outcome.to_string(),
        };
        // What is known needs no guess.
        let hint = hint.as_deref().filter(|_| why.is_none());
        audit::session_without_login(&self.visit(), &outcome, *refused, waited.as_secs(), hint);
        if let Some(why) = why {
            self.complain_of_tls(&why, arrival);
        }
    }

    /// A login, or mail, came in clear where TLS has to come first.
    pub(super) fn spoke_in_clear(&mut self, arrival: &Arrival) {
        if let Some(why) = tls::in_clear(arrival.tls) {
            self.tls_refused(&why, arrival);
        }
    }

    /// The mail client left without a word, which may mean this.
    pub(super) fn left_silent(&mut self, hint: Option<String>) {
        self.details.hint = hint;
    }

    /// STARTTLS was said where there is none.
    pub(super) fn missed_tls(&mut self, arrival: &Arrival) {
        if let Some(why) = tls::missed(arrival.tls) {
            self.tls_refused(&why, arrival);
        }
    }

    fn tls_refused(&mut self, why: &Why<'static>, arrival: &Arrival) {
        self.details.tls = Some(why.what);
        self.complain_of_tls(why, arrival);
    }

    fn complain_of_tls(&self, why: &Why<'static>, arrival: &Arrival) {
        if arrival.complaints.may(&self.peer, why.what, Instant::now()) {
            audit::tls_refused(&self.visit(), why);
        }
    }

    fn visit(&self) -> Visit<'_> {
        Visit {
            peer: &self.peer,
            via: self.via.as_ref(),
            protocol: self.protocol,
            session: self.id(),
        }
    }

    fn login(&self) -> Login<'_> {
        Login {
            account: self.account(),
            mailbox: self.mailbox(),
            mechanism: self.mechanism(),
        }
    }

    fn account(&self) -> &str {
        self.details.account.as_deref().unwrap_or("-")
    }

    fn mailbox(&self) -> &str {
        self.details.facts.mailbox.as_deref().unwrap_or("-")
    }

    fn mechanism(&self) -> &'static str {
        self.details.mechanism.map_or("-", Mechanism::name)
    }

    fn since_asked(&self) -> Duration {
        self.details.asked.map_or(Duration::ZERO, |asked| asked.elapsed())
    }
}

impl Details {
    fn took(&self) -> Took {
        Took {
            login: millis(self.login),
            password: millis(self.password),
            token: millis(self.upstream.token),
            dial: millis(self.upstream.dial),
            handshake: millis(self.upstream.handshake),
        }
    }

    fn stages(&self) -> [(Stage, Duration); 4] {
        [
            (Stage::Password, self.password),
            (Stage::Token, self.upstream.token),
            (Stage::Dial, self.upstream.dial),
            (Stage::Handshake, self.upstream.handshake),
        ]
    }
}

impl Hearing {
    fn new(id: &SessionId, arrival: &Arrival, context: &Context) -> Option<Self> {
        let recording = context
            .traces
            .recording(id.as_str(), arrival.peer, arrival.protocol);
        let ear = match (&context.ear, &recording) {
            (Some(ear), _) => Arc::clone(ear),
            (None, Some(recording)) => Arc::clone(recording) as Arc<dyn Overhear>,
            (None, None) => return None,
        };
        let tap = Tap::new(Some(ear), id.as_str());
        Some(Self { tap, recording })
    }
}

/// What the mail client calls itself: until the account is known, all that an operator can look for. People type their
/// password there, too.
fn called(user: &[u8]) -> Box<str> {
    let name = shown(user, MAX_NAME);
    if GeneratedPassword::could_be(&name) {
        "(a generated password)".into()
    } else {
        name.into()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
