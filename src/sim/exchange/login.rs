//! The part of a login that the three protocols share: from the base64 line to a verdict, on record.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::admission::{self, Verdict};
use super::connection::{Connection, Ended, Flow, Line};
use super::offer;
use super::refusal::Refusals;
use super::stream::Stream;
use super::xoauth2::{self, Mechanism};
use crate::sim::faults::{Moment, Protocol};
use crate::sim::mailbox::Mailbox;
use crate::sim::record::{Cause, Outcome};

/// What follows a good login.
#[derive(Debug, Clone, Default)]
pub enum AfterLogin {
    /// The mailbox.
    #[default]
    Mailbox,
    /// The test plays the rest of the mail server by hand.
    HandOver(mpsc::Sender<HandedOver>),
}

/// A stream that a test got right after the verdict on its login was written.
#[derive(Debug)]
pub struct HandedOver {
    /// The connection.
    pub stream: Stream,
    /// What was read from it behind the login and belongs to the test.
    pub unread: Vec<u8>,
    /// The protocol spoken on it so far.
    pub protocol: Protocol,
    /// Address of the mailbox that was opened.
    pub mailbox: String,
    /// The id in its [`SessionRecord`](crate::sim::record::SessionRecord).
    pub session: u64,
}

/// A login that was understood.
pub(super) struct Login {
    /// The `user=` that came.
    pub(super) user: String,
    /// When its token ends, in seconds since 1970.
    pub(super) expires: u64,
    /// What Exchange makes of it.
    pub(super) verdict: Verdict,
}

/// The mechanism of this name, if it is offered now.
pub(super) fn mechanism(connection: &Connection, name: &str) -> Option<Mechanism> {
    let mechanism = if name.eq_ignore_ascii_case("XOAUTH2") {
        Mechanism::Xoauth2
    } else if name.eq_ignore_ascii_case("OAUTHBEARER") {
        Mechanism::OauthBearer
    } else {
        return None;
    };
    offer::includes(connection, name).then_some(mechanism)
}

/// Judges a base64 line and writes down whom it stands for.
pub(super) fn judge(connection: &Connection, mechanism: Mechanism, line: &[u8]) -> Login {
    let Some(credentials) = xoauth2::decode(mechanism, line) else {
        return Login {
            user: String::new(),
            expires: 0,
            verdict: Verdict::Refused(Cause::Malformed),
        };
    };
    let (token, verdict) = admission::judge(&connection.world, connection.protocol, &credentials);
    let expires = token.as_ref().map_or(0, |token| token.expires);
    connection.record.note(|page| {
        page.user = Some(credentials.user.clone());
        page.token = token;
    });
    Login {
        user: credentials.user,
        expires,
        verdict,
    }
}

/// The refusal that a test planned for this mailbox, or else for all.
pub(super) fn planned<T>(
    connection: &Connection,
    mailbox: &Mailbox,
    pick: impl Fn(&Refusals) -> Option<T>,
) -> Option<T> {
    mailbox
        .refusals
        .change(|own| pick(own))
        .or_else(|| connection.world.exchange.refusals.change(|all| pick(all)))
}

/// Sends the error challenges that are due before a refusal. `prefix` is `+ ` or `334 `.
///
/// `true` when each was answered as the mechanism wants it.
pub(super) async fn challenge(connection: &mut Connection, mechanism: Mechanism, prefix: &str) -> Flow<bool> {
    for _ in 0..connection.world.exchange.error_challenges.get() {
        connection.at(Moment::Challenge).await?;
        connection.say(format!("{prefix}{}", xoauth2::error_challenge(mechanism)));
        let answer = connection.line(4_096).await?;
        connection
            .record
            .note(|page| page.commands.push("(answer to the error challenge)".to_owned()));
        if answer != Line::Text(xoauth2::challenge_answer(mechanism).to_vec()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes down a line of the login, and whether it came in clear.
pub(super) fn heard(connection: &Connection, masked: String) {
    let in_clear = !connection.in_tls();
    connection.record.note(|page| {
        page.commands.push(masked);
        page.login_in_clear |= in_clear;
    });
}

/// After the verdict: writes the success down, and gives the stream away if the test wants it.
pub(super) async fn logged_in(connection: &mut Connection, mailbox: &Arc<Mailbox>) -> Flow {
    connection.record.outcome(Outcome::LoggedIn);
    let AfterLogin::HandOver(test) = connection.world.exchange.after_login.get() else {
        return Ok(());
    };
    let (stream, unread) = connection.release().await?;
    connection.record.outcome(Outcome::HandedOver);
    let protocol = connection.protocol;
    let session = connection.record.id();
    let handed_over = HandedOver {
        stream,
        unread,
        protocol,
        mailbox: mailbox.address().to_owned(),
        session,
    };
    // A test that no longer listens lets the stream drop.
    let _ = test.send(handed_over).await;
    Err(Ended::HandedOver)
}
