//! What the mail server announces: CAPABILITY, CAPA, and the lines of EHLO.

use super::connection::Connection;
use super::{Generation, smtp};
use crate::sim::faults::Protocol;

/// Lists that replace the usual ones of a protocol, as a foreign or a lying server would show them.
///
/// For IMAP the atoms behind `CAPABILITY`, for POP3 the lines of CAPA, for SMTP the lines of EHLO behind the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Announced {
    /// Before TLS.
    pub in_clear: Option<Vec<String>>,
    /// In TLS, before the login.
    pub in_tls: Option<Vec<String>>,
    /// After the login.
    pub logged_in: Option<Vec<String>>,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    InClear,
    InTls,
    LoggedIn,
}

impl Phase {
    /// The phase of a session that isn't logged in.
    pub(super) fn of_stranger(connection: &Connection) -> Self {
        if connection.in_tls() {
            Self::InTls
        } else {
            Self::InClear
        }
    }
}

/// What is announced in this phase.
pub(super) fn words(connection: &Connection, phase: Phase) -> Vec<String> {
    let replaced = connection
        .world
        .exchange
        .announced(connection.protocol)
        .change(|announced| match phase {
            Phase::InClear => announced.in_clear.clone(),
            Phase::InTls => announced.in_tls.clone(),
            Phase::LoggedIn => announced.logged_in.clone(),
        });
    replaced.unwrap_or_else(|| match connection.protocol {
        Protocol::Imap => imap(connection, phase),
        Protocol::Pop3 => pop3(connection, phase),
        Protocol::Smtp => smtp(connection, phase),
    })
}

/// Whether a stranger is offered this SASL mechanism, or this extension.
pub(super) fn includes(connection: &Connection, name: &str) -> bool {
    let is_named = |word: &str| {
        word.split([' ', '='])
            .any(|piece| piece.eq_ignore_ascii_case(name))
    };
    words(connection, Phase::of_stranger(connection))
        .iter()
        .any(|word| is_named(word))
}

fn split(words: &str) -> impl Iterator<Item = String> {
    words.split_whitespace().map(str::to_owned)
}

fn start_tls(connection: &Connection, phase: Phase) -> bool {
    phase == Phase::InClear && connection.world.exchange.start_tls.change(|knob| knob.announced)
}

fn bearer(connection: &Connection, phase: Phase) -> bool {
    phase == Phase::InTls && connection.world.exchange.oauth_bearer.get()
}

fn imap(connection: &Connection, phase: Phase) -> Vec<String> {
    let generation = connection.world.exchange.generation.get();
    let mut words: Vec<String> = split("IMAP4 IMAP4rev1").collect();
    words.extend(split(match (phase, generation) {
        (Phase::InClear, _) => "LOGINDISABLED",
        (Phase::InTls, Generation::Since2026) => "AUTH=XOAUTH2 LOGINDISABLED",
        _ => "AUTH=PLAIN AUTH=XOAUTH2",
    }));
    words.extend(bearer(connection, phase).then(|| "AUTH=OAUTHBEARER".to_owned()));
    words.extend(start_tls(connection, phase).then(|| "STARTTLS".to_owned()));
    words.extend(split("SASL-IR UIDPLUS"));
    words.extend(split(match (phase, generation) {
        (Phase::LoggedIn, _) => {
            "MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE"
        }
        (_, Generation::Since2026) => "MOVE ID UNSELECT",
        (_, Generation::Until2025) => "ID UNSELECT",
    }));
    words.extend(split("CHILDREN IDLE NAMESPACE LITERAL+"));
    words
}

fn pop3(connection: &Connection, phase: Phase) -> Vec<String> {
    let basic = connection.world.exchange.generation.get() == Generation::Until2025;
    let mut words: Vec<String> = split("TOP UIDL").collect();
    if phase != Phase::InClear {
        let bearer = if bearer(connection, phase) {
            " OAUTHBEARER"
        } else {
            ""
        };
        words.push(format!(
            "SASL{} XOAUTH2{bearer}",
            if basic { " PLAIN" } else { "" }
        ));
    }
    words.extend(basic.then(|| "USER".to_owned()));
    words.extend(start_tls(connection, phase).then(|| "STLS".to_owned()));
    words
}

fn smtp(connection: &Connection, phase: Phase) -> Vec<String> {
    let mut words = vec![format!("SIZE {}", smtp::LARGEST_MESSAGE)];
    words.extend(split("PIPELINING DSN ENHANCEDSTATUSCODES"));
    if phase != Phase::InClear {
        let bearer = if bearer(connection, phase) {
            " OAUTHBEARER"
        } else {
            ""
        };
        words.push(format!("AUTH LOGIN XOAUTH2{bearer}"));
    }
    words.extend(start_tls(connection, phase).then(|| "STARTTLS".to_owned()));
    words.extend(split("8BITMIME BINARYMIME CHUNKING SMTPUTF8"));
    words
}
