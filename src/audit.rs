//! Audit events: who was let in, who was not, what an operator did. Their names and fields are stable.
//!
//! They are written whatever `[log] level` says, unless `[log] audit = false`. None is left out because it is like another one;
//! those that a stranger can cause are [limited](Event::limited) per source, and how many were left out is an event too.
//! [`EVENTS`] lists all of them; `docs/operations.md` shows one of each.

mod flood;

use std::net::IpAddr;

use crate::log::AUDIT;
use crate::peer::Peer;
use crate::provider::Protocol;

pub use flood::{LINES, tell_suppressed};

/// One kind of event, as whoever reads the log may rely on it.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Its name: the field `event`.
    pub name: &'static str,
    /// Its message.
    pub message: &'static str,
    /// Its fields beside `event`, in the order of the text format. Those in [`Event::sometimes`] may be absent.
    pub fields: &'static [&'static str],
    /// Fields that are there only where they say something.
    pub sometimes: &'static [&'static str],
    /// Whether it is written at most [`LINES`] times a second for one source.
    pub limited: bool,
}

macro_rules! event {
    ($name:literal, $message:literal, $limited:literal, [$($field:literal)*], [$($sometimes:literal)*]) => {
        Event {
            name: $name,
            message: $message,
            fields: &[$($field,)* $($sometimes,)*],
            sometimes: &[$($sometimes),*],
            limited: $limited,
        }
    };
}

/// Every event there is.
pub const EVENTS: &[Event] = &[
    event!("started", "ready", false, ["version" "config"], []),
    event!("stopped", "stopped", false, [], []),
    event!("login_accepted", "logged in", false,
        ["peer" "protocol" "session" "account" "mailbox" "mechanism" "login_ms"], ["via"]),
    event!("login_refused", "login refused", true,
        ["reason" "peer" "protocol" "session" "account" "mechanism" "refusal" "code" "what" "why" "fix"], ["via"]),
    event!("session_ended", "session ended", false,
        ["peer" "protocol" "session" "account" "mailbox" "mechanism" "outcome" "sent" "received" "seconds" "login_ms"
         "password_ms" "token_ms" "dial_ms" "handshake_ms" "upstream_said"], ["code" "why" "fix" "via"]),
    event!("session_without_login", "session ended without a login", true,
        ["peer" "protocol" "session" "outcome" "refused" "seconds"], ["hint" "via"]),
    event!("mechanism_refused", "mechanism refused", true,
        ["peer" "protocol" "session" "mechanism" "what" "why" "fix"], ["via"]),
    event!("mail_refused", "mail refused", true, ["peer" "protocol" "session" "what" "why" "fix"], ["via"]),
    event!("tls_refused", "TLS refused", true, ["peer" "protocol" "session" "what" "why" "fix"], ["via"]),
    event!("lines_suppressed", "lines left out", false, ["of" "source" "suppressed"], []),
    event!("signed_in", "signed in", false, ["account" "app" "owner"], []),
    event!("imported", "what another program had was taken over", false, ["account" "app"], []),
    event!("signed_out", "signed out", false, ["account" "apps" "sessions"], []),
    event!("link_made", "link to sign in made", false, ["account" "app" "owner" "asked_by" "expires"], []),
    event!("link_opened", "link to sign in opened", false, ["account" "app" "asked_by"], []),
    event!("link_used", "link to sign in used", false, ["account" "app" "asked_by"], []),
    event!("link_withdrawn", "link to sign in withdrawn", false, ["account" "app" "asked_by"], []),
    event!("consented", "an administrator consented", false, ["account" "app" "tenant"], []),
    event!("token_printed", "token given to a command", false, ["account" "protocol" "app" "token"], []),
    event!("trace_taken", "trace taken", false, ["account"], []),
    event!("log_level_changed", "log level changed", false, ["now" "before"], []),
    event!(
        "admin_logged_in",
        "logged in at the admin page",
        false,
        ["source"],
        []
    ),
    event!("admin_login_refused", "login at the admin page refused", true, ["source" "reason"], []),
    event!(
        "admin_logged_out",
        "logged out of the admin page",
        false,
        ["source"],
        []
    ),
    event!("admin_order", "order given at the admin page", false, ["source" "order" "account"], []),
    event!("reloaded", "configuration reloaded", false, ["plan" "generation" "ok"], []),
];

/// Which session an event belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// Where the mail client comes from.
    pub peer: &'a Peer,
    /// The balancer that says so, if one does.
    pub via: Option<&'a Peer>,
    /// What its listener speaks.
    pub protocol: Protocol,
    /// The session's id, as refusals show it.
    pub session: &'a str,
}

/// A login, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The account's name; until it is known, what was typed, made safe to show; `-` for nothing.
    pub account: &'a str,
    /// The mailbox to open; `-` until it is known.
    pub mailbox: &'a str,
    /// How it was said.
    pub mechanism: &'static str,
}

/// What an operator is told of something that went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Why<'a> {
    /// What happened.
    pub what: &'a str,
    /// What causes this.
    pub why: &'a str,
    /// What mends it.
    pub fix: &'a str,
}

/// How a session ended that was logged in.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Who ended it.
    pub outcome: &'a str,
    /// Bytes from the mail client to upstream.
    pub sent: u64,
    /// Bytes from upstream to the mail client.
    pub received: u64,
    /// How long the session lasted, in seconds.
    pub seconds: u64,
    /// What the login took, in milliseconds.
    pub took: Took,
    /// Upstream's refusals in it.
    pub upstream_said: &'a str,
    /// Code, cause and remedy of a refusal that is known.
    pub known: Option<(Option<&'a str>, &'a str, &'a str)>,
}

/// What the parts of a login took, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// All of it.
    pub login: u64,
    /// Checking the local password.
    pub password: u64,
    /// Getting the token.
    pub token: u64,
    /// Connecting, TLS included.
    pub dial: u64,
    /// The handshake with upstream.
    pub handshake: u64,
}

/// saslgate is ready to serve.
pub fn started(version: &str, config: &str) {
    tracing::info!(target: AUDIT, event = "started", version, config, "ready");
}

/// saslgate has served.
pub fn stopped() {
    flood::tell_all();
    tracing::info!(target: AUDIT, event = "stopped", "stopped");
}

/// A mail client was let in.
pub fn login_accepted(visit: &Visit<'_>, login: &Login<'_>, login_ms: u64) {
    tracing::info!(
        target: AUDIT, event = "login_accepted", peer = %visit.peer, protocol = %visit.protocol, session = visit.session,
        account = login.account, mailbox = login.mailbox, mechanism = login.mechanism, login_ms, via = visit.via.map(display), "logged in"
    );
}

/// A mail client was not let in. `reason` is one of few stable words; it and the address stand before everything that a
/// stranger chooses, so that a line can be read from its start.
pub fn login_refused(
    visit: &Visit<'_>,
    login: &Login<'_>,
    reason: &'static str,
    refusal: &str,
    code: Option<&str>,
    why: &Why<'_>,
) {
    if flood::admits("login_refused", visit.peer) {
        tracing::warn!(
            target: AUDIT, event = "login_refused", reason, peer = %visit.peer, protocol = %visit.protocol,
            session = visit.session, account = login.account, mechanism = login.mechanism, refusal,
            code = code.unwrap_or("-"), what = why.what, why = why.why, fix = why.fix, via = visit.via.map(display), "login refused"
        );
    }
}

/// A session that was logged in is over.
pub fn session_ended(visit: &Visit<'_>, login: &Login<'_>, ending: &Ending<'_>) {
    let Took {
        login: login_ms,
        password,
        token,
        dial,
        handshake,
    } = ending.took;
    tracing::info!(
        target: AUDIT, event = "session_ended", peer = %visit.peer, protocol = %visit.protocol, session = visit.session,
        account = login.account, mailbox = login.mailbox, mechanism = login.mechanism, outcome = ending.outcome,
        sent = ending.sent, received = ending.received, seconds = ending.seconds, login_ms, password_ms = password,
        token_ms = token, dial_ms = dial, handshake_ms = handshake, upstream_said = ending.upstream_said,
        code = ending.known.and_then(|(code, ..)| code), why = ending.known.map(|(_, why, _)| why),
        fix = ending.known.map(|(.., fix)| fix), via = visit.via.map(display), "session ended"
    );
}

/// A session is over in which nobody was logged in, after so many refused logins. `hint` is what may have been wrong.
pub fn session_without_login(
    visit: &Visit<'_>,
    outcome: &str,
    refused: u32,
    seconds: u64,
    hint: Option<&str>,
) {
    if flood::admits("session_without_login", visit.peer) {
        tracing::info!(
            target: AUDIT, event = "session_without_login", peer = %visit.peer, protocol = %visit.protocol,
            session = visit.session, outcome, refused, seconds, hint, via = visit.via.map(display), "session ended without a login"
        );
    }
}

/// A mail client asked for a mechanism that is known and not offered.
pub fn mechanism_refused(visit: &Visit<'_>, mechanism: &str, why: &Why<'_>) {
    if flood::admits("mechanism_refused", visit.peer) {
        tracing::warn!(
            target: AUDIT, event = "mechanism_refused", peer = %visit.peer, protocol = %visit.protocol,
            session = visit.session, mechanism, what = why.what, why = why.why, fix = why.fix, via = visit.via.map(display), "mechanism refused"
        );
    }
}

/// A device sent mail without a login, and may not.
pub fn mail_refused(visit: &Visit<'_>, why: &Why<'_>) {
    if flood::admits("mail_refused", visit.peer) {
        tracing::warn!(
            target: AUDIT, event = "mail_refused", peer = %visit.peer, protocol = %visit.protocol,
            session = visit.session, what = why.what, why = why.why, fix = why.fix, via = visit.via.map(display), "mail refused"
        );
    }
}

/// TLS with a mail client did not come about, and why is known.
pub fn tls_refused(visit: &Visit<'_>, why: &Why<'_>) {
    if flood::admits("tls_refused", visit.peer) {
        tracing::warn!(
            target: AUDIT, event = "tls_refused", peer = %visit.peer, protocol = %visit.protocol,
            session = visit.session, what = why.what, why = why.why, fix = why.fix, via = visit.via.map(display), "TLS refused"
        );
    }
}

/// So many lines of one event were left out for one source, or for all that there was no room to tell apart.
fn lines_suppressed(of: &str, source: &str, suppressed: u64) {
    tracing::warn!(target: AUDIT, event = "lines_suppressed", of, source, suppressed, "lines left out");
}

/// A person has signed in, as `owner`.
pub fn signed_in(account: &str, app: &str, owner: Option<&str>) {
    let owner = owner.unwrap_or("-");
    tracing::info!(target: AUDIT, event = "signed_in", account, app, owner, "signed in");
}

/// A mail client has logged in for the first time since its account was imported: its password is the account's now.
pub fn imported(account: &str, app: &str) {
    tracing::info!(target: AUDIT, event = "imported", account, app, "what another program had was taken over");
}

/// A sign-in was forgotten, and so many sessions ended.
pub fn signed_out(account: &str, apps: &str, sessions: usize) {
    tracing::info!(target: AUDIT, event = "signed_out", account, apps, sessions, "signed out");
}

/// A link was made by which `owner` may sign in for an account; `expires` is in RFC 3339.
pub fn link_made(account: &str, app: &str, owner: &str, asked_by: &str, expires: &str) {
    tracing::info!(
        target: AUDIT, event = "link_made", account, app, owner, asked_by, expires, "link to sign in made"
    );
}

/// A browser has opened a link, for the first time since saslgate started.
pub fn link_opened(account: &str, app: &str, asked_by: &str) {
    tracing::info!(target: AUDIT, event = "link_opened", account, app, asked_by, "link to sign in opened");
}

/// Somebody has signed in by a link, which is good for nothing any more.
pub fn link_used(account: &str, app: &str, asked_by: &str) {
    tracing::info!(target: AUDIT, event = "link_used", account, app, asked_by, "link to sign in used");
}

/// A link is good for nothing any more: the account was signed out, or another link was made.
pub fn link_withdrawn(account: &str, app: &str, asked_by: &str) {
    tracing::info!(target: AUDIT, event = "link_withdrawn", account, app, asked_by, "link to sign in withdrawn");
}

/// An administrator has consented for everybody.
pub fn consented(account: &str, app: &str, tenant: Option<&str>) {
    let tenant = tenant.unwrap_or("-");
    tracing::info!(target: AUDIT, event = "consented", account, app, tenant, "an administrator consented");
}

/// A token was given to whoever asked at the control socket. `token` is its fingerprint.
pub fn token_printed(account: &str, protocol: Protocol, app: &str, token: &str) {
    tracing::info!(
        target: AUDIT, event = "token_printed", account, %protocol, app, token, "token given to a command"
    );
}

/// An operator reads an account's next login along.
pub fn trace_taken(account: &str) {
    tracing::info!(target: AUDIT, event = "trace_taken", account, "trace taken");
}

/// An operator has changed what is logged. The level of the line itself is called `level` in JSON.
pub fn log_level_changed(now: &str, before: &str) {
    tracing::info!(target: AUDIT, event = "log_level_changed", now, before, "log level changed");
}

/// Another configuration is in use, the `generation`-th, or was not taken: then `ok` is false and `plan` says why.
pub fn reloaded(plan: &str, generation: u64, ok: bool) {
    if ok {
        tracing::info!(target: AUDIT, event = "reloaded", plan, generation, ok, "configuration reloaded");
    } else {
        tracing::error!(
            target: AUDIT, event = "reloaded", plan, generation, ok,
            "configuration not taken"
        );
    }
}

/// An operator has logged in at the admin page.
pub fn admin_logged_in(peer: &Peer) {
    let source = peer.address();
    tracing::info!(target: AUDIT, event = "admin_logged_in", %source, "logged in at the admin page");
}

/// Somebody has not: `reason` is `password`, or `limit` where it was not looked at.
pub fn admin_login_refused(peer: &Peer, reason: &'static str) {
    if flood::admits("admin_login_refused", peer) {
        let source = peer.address();
        tracing::warn!(target: AUDIT, event = "admin_login_refused", %source, reason, "login at the admin page refused");
    }
}

/// An operator has logged out of the admin page.
pub fn admin_logged_out(peer: &Peer) {
    let source = peer.address();
    tracing::info!(target: AUDIT, event = "admin_logged_out", %source, "logged out of the admin page");
}

/// An operator has given an order at the admin page: `sign-in`, `sign-out`, `link`, `test`, `reload`. What came of it is an event of
/// its own.
pub fn admin_order(peer: &Peer, order: &'static str, account: &str) {
    let source = peer.address();
    let account = crate::name::shown(account.as_bytes(), crate::name::MAX_NAME);
    tracing::info!(target: AUDIT, event = "admin_order", %source, order, account, "order given at the admin page");
}

/// A source as `lines_suppressed` names it: the address, or the network of an IPv6 one.
fn source(peer: &Peer) -> String {
    match peer.address() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(_) => peer.source().to_string(),
    }
}

#[cfg(test)]
mod tests;
