//! Listeners that strangers can reach: what is told about them, and what they refuse to be.

use std::net::SocketAddr;

use super::network;
use super::reader::{Reader, Span};
use crate::account::{Account, PasswordHash, Passwords};
use crate::certificates::is_local;
use crate::listener::{Settings, TlsMode};

/// A listener and where it stands.
pub(super) type Placed = (Settings, Span);

/// Notes what strangers could do. `accounts`: those of the file, if all of them can be used.
pub(super) fn note(listeners: &[Placed], accounts: Option<&[Account]>, reader: &mut Reader<'_>) {
    let accounts = accounts.unwrap_or_default();
    for (settings, span) in listeners {
        if settings.is_exposed() {
            note_exposed(settings, span, accounts, reader);
        }
        note_nobody(settings, span, reader);
        note_unknown_issuer(settings, span, reader);
        if settings.passwords == Passwords::Generated {
            note_left_out(settings, span, listeners, accounts, reader);
        }
    }
}

fn note_exposed(settings: &Settings, span: &Span, accounts: &[Account], reader: &mut Reader<'_>) {
    let (name, from) = (settings.name(), settings.strangers());
    if settings.takes_in_clear() {
        reader.warning(
            span,
            format!("{name} can be reached from {from}, and does not ask for TLS"),
            "`bind` is not on this machine alone, and `allow_from` does not keep to private networks",
            "add `allow_from` with the networks that need it; or use tls = \"implicit\" or \"starttls\"",
        );
    }
    let chosen = |account: &&Account| settings.can_log_in(account) && !account.has_only_generated();
    if settings.passwords == Passwords::Any
        && let Some(account) = accounts.iter().find(chosen)
    {
        reader.warning(
            span,
            format!("{name} can be reached from {from}, and takes passwords that a person chose"),
            format!("whoever guesses the one of {} has its mail", account.name),
            "add passwords = \"generated\"; or `allow_from` with the networks that need it",
        );
    }
}

/// What stands for addresses in documents, and is left in place until the right ones are known.
fn note_nobody(settings: &Settings, span: &Span, reader: &mut Reader<'_>) {
    let mut beyond = settings
        .allow_from
        .iter()
        .filter(|network| !network::is_loopback(network))
        .peekable();
    let Some(first) = beyond.peek().copied() else {
        return;
    };
    if beyond.all(network::is_nobody) {
        reader.warning(
            span,
            format!("from other machines, nobody can reach {}", settings.name()),
            format!("{first} in `allow_from` stands for addresses in documents (RFC 5737), and nobody has one of those"),
            "write the addresses in its place from which mail clients connect; a product's vendor knows those of its cloud",
        );
    }
}

/// A certificate of a local authority is good where somebody imported that; a product in its vendor's cloud imports nothing.
fn note_unknown_issuer(settings: &Settings, span: &Span, reader: &mut Reader<'_>) {
    let mut strangers = settings
        .allow_from
        .iter()
        .filter(|network| !network::is_private(network));
    let is_public = |address: &SocketAddr| !network::is_private(&address.ip().into());
    let (Some(from), Some(files)) = (strangers.next(), &settings.files) else {
        return;
    };
    let shown = settings
        .identity
        .as_ref()
        .and_then(|identity| identity.cert.first());
    if settings.bind.iter().any(is_public) && shown.is_some_and(is_local) {
        reader.warning(
            span,
            format!(
                "{} can be reached from {from}, and shows a certificate of saslgate's own authority",
                settings.name()
            ),
            "who has not imported its ca.pem refuses it, as products in somebody's cloud do",
            format!(
                "put one of a public authority, for the public name, in the place of {} and {} (docs/operations.md, \"Reached from \
                 outside\": certbot does that by itself)",
                files.certificate.display(),
                files.key.display()
            ),
        );
    }
}

/// Accounts without a generated password, at a listener that takes no others.
fn note_left_out(
    settings: &Settings,
    span: &Span,
    listeners: &[Placed],
    accounts: &[Account],
    reader: &mut Reader<'_>,
) {
    let left_out = |account: &&Account| settings.can_log_in(account) && !account.has_generated();
    for account in accounts.iter().filter(left_out) {
        let what = format!(
            "{} has no generated password for {}",
            account.name,
            settings.name()
        );
        let why = "that listener takes no others (`passwords`)";
        let fix = "run `saslgate password` and add the line that it prints to the account; or take the protocol out of its `protocols`";
        let elsewhere = |(other, _): &Placed| {
            other.protocol == settings.protocol
                && other.passwords == Passwords::Any
                && other.can_log_in(account)
        };
        if listeners.iter().any(elsewhere) {
            reader.warning(span, what, why, fix);
        } else {
            reader.error(span, what, why, fix);
        }
    }
}

impl Settings {
    /// Whether strangers can connect: not on this machine alone, and not from private networks alone.
    fn is_exposed(&self) -> bool {
        let beyond = self.bind.iter().any(|address| !address.ip().is_loopback());
        let public = self
            .allow_from
            .iter()
            .any(|network| !network::is_private(network));
        (beyond || !self.proxy_from.is_empty()) && (self.allow_from.is_empty() || public)
    }

    /// From where strangers come, in words.
    fn strangers(&self) -> String {
        let mut public = self
            .allow_from
            .iter()
            .filter(|network| !network::is_private(network));
        public.next().map_or("anywhere".to_owned(), ToString::to_string)
    }

    /// Whether somebody on another machine logs in, or sends, without TLS.
    fn takes_in_clear(&self) -> bool {
        let has_devices = !self.devices.entries().is_empty();
        let from_elsewhere = self
            .plaintext_from
            .iter()
            .any(|network| !network::is_loopback(network));
        matches!(self.tls, TlsMode::Off | TlsMode::StartTlsOptional) && (has_devices || from_elsewhere)
    }

    /// Whether the account can log in here from anywhere.
    pub(crate) fn can_log_in(&self, account: &Account) -> bool {
        let meets = |network| network::overlaps(&self.allow_from, network);
        account.routes.contains_key(&self.protocol)
            && (account.allow_from.is_empty() || account.allow_from.iter().any(meets))
    }
}

impl Account {
    /// Whether it has a password that `saslgate password` made.
    fn has_generated(&self) -> bool {
        let is_generated = |password: &PasswordHash| matches!(password, PasswordHash::Generated(_));
        self.passwords.iter().any(is_generated)
    }

    fn has_only_generated(&self) -> bool {
        let is_generated = |password: &PasswordHash| matches!(password, PasswordHash::Generated(_));
        !self.imported && !self.passwords.is_empty() && self.passwords.iter().all(is_generated)
    }
}
