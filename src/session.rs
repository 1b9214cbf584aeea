//! One mail client from its first byte to its last: greet → log in → relay.
//!
//! This is the main flow of the program. Every line of `session`, `log_in` and `settle` is a call into one room.

mod context;
mod ending;
mod notice;
mod place;
mod record;
mod silence;
mod tls;
mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::sign::CertifiedKey;

use crate::account::{Authorized, Entrance, LetInBy, Passwords, Verdict};
use crate::complaints::Complaints;
use crate::devices::Device;
use crate::downstream::{self, Downstream, LoginRequest, Names, Opening, Refusal, TlsState};
use crate::failure::Failure;
use crate::name::LoginName;
use crate::pace;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::relay::{Observer, Relay};
use crate::sessions::{Membership, Place, SessionId};
use crate::transport::{Ended, Leg, Link, Patience, Upgrade, drive};
use crate::upstream::Opened;
use crate::wire;

use record::Record;

pub use context::{Context, Limits, Rooms};
pub use notice::Notices;
pub use trace::{Trace, Traced, Traces, Wanted};

/// How long a mail client may take to read why it is turned away: there is no room for it, or saslgate stops.
const GOODBYE: Duration = Duration::from_secs(1);

/// A mail client that was just accepted.
pub struct Arrival {
    /// What its listener speaks.
    pub protocol: Protocol,
    /// Where it comes from.
    pub peer: Peer,
    /// The balancer that says so, where one does.
    pub via: Option<Peer>,
    /// What it is told about TLS.
    pub tls: TlsState,
    /// How TLS starts on that listener.
    pub upgrade: Option<Upgrade>,
    /// What it is shown there.
    pub identity: Option<Arc<CertifiedKey>>,
    /// Its place among the connections; none if there is no room.
    pub place: Option<Place>,
    /// Which local passwords the listener takes.
    pub passwords: Passwords,
    /// The device that the listener's map knows at its address.
    pub device: Option<Device>,
    /// Whom the listener has complained about lately.
    pub complaints: Arc<Complaints>,
}

/// One session, from its first byte to its last.
pub async fn session(link: Link, arrival: Box<Arrival>, context: Arc<Context>) {
    let mut record = Record::new(SessionId::random(), &arrival, &context);
    // Boxed, so that all that a login needed is gone while the relay waits for mail.
    let entered = Box::pin(log_in(link, &arrival, &context, &mut record))
        .await
        .map_err(|outcome| record.end_without_login(&outcome, &arrival));
    drop(context);
    // Of all that was known of the arrival, its place is what has to last.
    let _place = take_place(*arrival);
    // Moved out whole: what a `match` takes apart stays in the session's memory as long as the session does.
    let Ok((relay, membership)) = entered else {
        return;
    };
    record.logged_in();
    let summary = relay.run(membership.wishes()).await;
    record.end(&summary);
}

fn take_place(arrival: Arrival) -> Option<Place> {
    arrival.place
}

/// Why nobody was logged in.
enum Outcome {
    /// No room for another connection.
    Full,
    /// TLS did not come up in time where it starts at the first byte.
    NoTls,
    /// The dialogue ended.
    Ended(Ended),
    /// saslgate stops.
    Stopping,
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

type Entered = (Relay, Membership<LetInBy>);

/// Speaks with the mail client until a login succeeds.
async fn log_in(
    mut link: Link,
    arrival: &Arrival,
    context: &Context,
    record: &mut Record,
) -> Result<Entered, Outcome> {
    if arrival.place.is_none() {
        return turn_away(link, arrival, context, record).await;
    }
    let limits = context.rooms.load().limits;
    let mut patience = Patience::new(limits.login);
    establish_tls(&mut link, arrival, context, &mut patience).await?;
    let mut dialogue = open_dialogue(arrival, context, limits.attempts, record);
    loop {
        let request = match converse(&mut link, &mut *dialogue, arrival, context, &mut patience, record).await
        {
            Ok(request) => request,
            Err(outcome) => {
                if let Some(tls) = dialogue.silence() {
                    record.left_silent(silence::hint(&outcome, tls, link.asked_for(), arrival));
                }
                link.close().await;
                return Err(outcome);
            }
        };
        record.login_asked(&request);
        match settle(&link, &request, &mut *dialogue, arrival, context, record).await {
            Ok(Settled {
                opened,
                membership,
                place,
            }) => {
                let handover = dialogue.accept(request.turn, &opened.welcome);
                record.overheard(handover.said, None);
                let mut observer = Observer::new(arrival.protocol);
                observer.upstream_spoke(&opened.unread);
                let relay = Relay {
                    downstream: link,
                    upstream: opened.link,
                    to_mail_client: [handover.reply, opened.unread].concat(),
                    to_upstream: handover.unread,
                    observer,
                    place,
                    idle: limits.idle,
                };
                return Ok((relay, membership));
            }
            Err(failure) => {
                let diagnosis = record.login_refused(&failure, &context.states);
                dialogue.refuse(request.turn, failure.refusal());
                record.told(dialogue.told());
                record.overheard(dialogue.overheard(), Some(&diagnosis));
            }
        }
    }
}

/// TLS from the first byte, where the listener has it so.
async fn establish_tls(
    link: &mut Link,
    arrival: &Arrival,
    context: &Context,
    patience: &mut Patience,
) -> Result<(), Outcome> {
    if arrival.tls != TlsState::Established {
        return Ok(());
    }
    let upgrade = arrival.upgrade.as_ref().ok_or_else(Ended::tls_not_configured)?;
    tokio::select! {
        established = patience.wait(link.start_tls(upgrade)) => {
            Ok(established.map_err(|_| Outcome::NoTls)?.map_err(Ended::Tls)?)
        }
        // There is no TLS yet in which a goodbye could be said.
        () = context.stopping.cancelled() => Err(Outcome::Stopping),
    }
}

fn open_dialogue(
    arrival: &Arrival,
    context: &Context,
    attempts: u32,
    record: &Record,
) -> Box<dyn Downstream> {
    let rooms = context.rooms.load_full();
    let opening = Opening {
        tls: arrival.tls,
        offer: context
            .upstream
            .promise(arrival.protocol, rooms.hosts(arrival.protocol)),
        host_name: context.host_name.clone(),
        device: arrival.device.clone(),
        session: record.id().into(),
        recording: record.tap().is_listening().then(|| names(&rooms)),
    };
    let limits = match arrival.protocol {
        Protocol::Smtp => wire::Limits {
            attempts,
            ..wire::Limits::SMTP
        },
        Protocol::Imap | Protocol::Pop3 => wire::Limits {
            attempts,
            ..wire::Limits::DEFAULT
        },
    };
    downstream::open(arrival.protocol, opening, limits)
}

/// The names that a transcript shows: those of accounts. Any other may be a password.
fn names(rooms: &Arc<Rooms>) -> Names {
    let rooms = Arc::clone(rooms);
    Names::those(move |name| {
        let name = LoginName::parse(name).ok();
        name.is_some_and(|name| rooms.accounts.meant_by(&name).is_some())
    })
}

/// Lets the dialogue speak until it asks for a login to be settled.
async fn converse(
    link: &mut Link,
    dialogue: &mut dyn Downstream,
    arrival: &Arrival,
    context: &Context,
    patience: &mut Patience,
    record: &mut Record,
) -> Result<LoginRequest, Outcome> {
    let legs = (record.tap(), Leg::Downstream);
    let asked = tokio::select! {
        asked = drive(link, dialogue, arrival.upgrade.as_ref(), patience, legs) => asked.map_err(Outcome::Ended),
        () = context.stopping.cancelled() => {
            dialogue.shut_down();
            let _ = drive(link, dialogue, None, &mut Patience::new(GOODBYE), legs).await;
            Err(Outcome::Stopping)
        }
    };
    while let Some(mechanism) = dialogue.unsupported() {
        record.mechanism_refused(mechanism);
    }
    if let Some(unserved) = dialogue.unserved()
        && arrival
            .complaints
            .may(&arrival.peer, "mail refused", Instant::now())
    {
        record.mail_refused(unserved);
    }
    if dialogue.missed_tls() {
        record.missed_tls(arrival);
    }
    let told = dialogue.told();
    if told.contains(&Refusal::TlsRequired) {
        record.spoke_in_clear(arrival);
    }
    record.told(told);
    asked
}

/// A login that may be answered with yes.
struct Settled {
    opened: Opened,
    membership: Membership<LetInBy>,
    place: Option<pace::Place>,
}

/// Settles one login: local password, place, token, upstream.
async fn settle(
    link: &Link,
    request: &LoginRequest,
    dialogue: &mut dyn Downstream,
    arrival: &Arrival,
    context: &Context,
    record: &mut Record,
) -> Result<Settled, Failure> {
    let (authorized, places) = authorize(request, arrival, context, record).await?;
    let place = place::take(link, &authorized, &places, record.session_id(), context).await?;
    let membership = context
        .registry
        .enter(record.session_id(), authorized.let_in_by());
    if let Some(place) = &place {
        place.held_by(membership.wishes());
    }
    let opened = context
        .upstream
        .open(
            &authorized,
            &context.tokens,
            request.ehlo.as_deref(),
            record.tap(),
        )
        .await;
    let opened = opened.inspect_err(|_| record.token_known(context.tokens.claims(&authorized).as_ref()))?;
    record.upstream_opened(&opened);
    if let Some(promise) = dialogue.broken_promise(&opened.welcome) {
        return Err(Failure::BrokenPromise {
            host: authorized.route().host.clone(),
            promise,
        });
    }
    // The account may have been removed while we were busy; the registry covers what happens after this.
    if !context
        .rooms
        .load()
        .accounts
        .still_lets_in(&authorized.let_in_by())
    {
        return Err(Failure::AccountGone);
    }
    record.account_works(&context.states);
    if let Some(account) = context.notices.due(&authorized, &context.tokens, &context.states) {
        dialogue.remind(&account);
        record.reminded(&account);
    }
    Ok(Settled {
        opened,
        membership,
        place,
    })
}

/// Checks the local password. It lets go of the configuration before it returns: who waits for a place must hold neither that
/// nor a token, which would be old by then.
async fn authorize(
    request: &LoginRequest,
    arrival: &Arrival,
    context: &Context,
    record: &mut Record,
) -> Result<(Authorized, pace::Limits), Failure> {
    let rooms = context.rooms.load_full();
    let entrance = Entrance {
        protocol: arrival.protocol,
        peer: &arrival.peer,
        passwords: arrival.passwords,
    };
    record.name_typed(&request.credentials, &rooms.accounts);
    let verdict = rooms.accounts.check(entrance, &request.credentials).await;
    record.password_checked();
    let authorized = match verdict {
        Verdict::Authorized(authorized) => authorized,
        Verdict::Ask(candidate) => {
            record.provider_asked(&candidate);
            context.tokens.judge(candidate).await?
        }
        Verdict::Refused(refused) => return Err(Failure::Login(refused)),
    };
    record.account_known(&authorized, &context.states);
    Ok((authorized, rooms.limits.places))
}

/// Says no instead of a greeting. All of it within [`GOODBYE`], the TLS handshake too: a connection without a place is
/// not counted, so it must not be kept for as long as it likes.
async fn turn_away(
    mut link: Link,
    arrival: &Arrival,
    context: &Context,
    record: &Record,
) -> Result<Entered, Outcome> {
    let mut patience = Patience::new(GOODBYE);
    let no_tls = establish_tls(&mut link, arrival, context, &mut patience).await;
    if no_tls.is_ok() {
        let greeting = Refusal::LimitReached.greeting(arrival.protocol, record.id());
        record.told([Refusal::LimitReached]);
        let _ = patience
            .wait(link.write(format!("{greeting}\r\n").as_bytes()))
            .await;
        link.close().await;
    }
    Err(Outcome::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of sessions idle at a time, each in one of these. What a login needs is boxed and gone by then.
    #[test]
    fn an_idle_session_is_small() {
        fn size<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(session) <= 800, "{} bytes", size(session));
    }
}
