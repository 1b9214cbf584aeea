//! The ways upstream of one account: which app, which host, and whose name, per protocol.

use std::collections::HashMap;

use super::app::{Apps, ConfiguredApp, Kind, Wanted};
use super::keys::{self, Shape};
use super::reader::{At, Reader, Text};
use super::table::{Table, one_of};
use crate::account::{Identity, Route};
use crate::name::Mailbox;
use crate::provider::Protocol;

/// What one protocol of an account says for itself.
#[derive(Default)]
struct Own {
    app: Option<Text>,
    identity: Option<At<Identity>>,
}

const IDENTITIES: &[(&str, Identity)] = &[("mailbox", Identity::Mailbox), ("owner", Identity::Owner)];

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("imap", Protocol::Imap),
    ("pop3", Protocol::Pop3),
    ("smtp", Protocol::Smtp),
];

fn shape(protocol: Protocol) -> &'static Shape {
    match protocol {
        Protocol::Imap => &keys::ACCOUNT_IMAP,
        Protocol::Pop3 => &keys::ACCOUNT_POP3,
        Protocol::Smtp => &keys::ACCOUNT_SMTP,
    }
}

impl Own {
    fn read(table: &Table<'_>, protocol: Protocol, reader: &mut Reader<'_>) -> Self {
        let Some(sub) = table.sub(protocol.name(), shape(protocol), reader) else {
            return Self::default();
        };
        Self {
            app: sub.text("app", reader),
            identity: match protocol {
                Protocol::Smtp => sub.choice("identity", IDENTITIES, reader),
                _ => None,
            },
        }
    }
}

/// The ways upstream of an account, and what its apps say about passwords.
pub(super) struct Ways {
    pub(super) routes: HashMap<Protocol, Route>,
    /// Whether the app of each allowed protocol shows a person's password to the provider.
    passwords: Vec<bool>,
}

impl Ways {
    /// Whether the provider can judge what mail clients type, whatever the protocol.
    pub(super) fn all_by_password(&self) -> bool {
        !self.passwords.is_empty() && self.passwords.iter().all(|by_password| *by_password)
    }

    /// Whether a person's password is shown to the provider at all.
    pub(super) fn any_by_password(&self) -> bool {
        self.passwords.contains(&true)
    }
}

/// The ways upstream of an account whose table that is.
pub(super) fn read(
    table: &Table<'_>,
    apps: &mut Apps,
    owner: Option<&At<Mailbox>>,
    reader: &mut Reader<'_>,
) -> Ways {
    let allowed = protocols(table, reader);
    let common = table.text("app", reader);
    let tenant = table.text("tenant", reader);
    let said = said(table, allowed.as_deref(), reader);
    let named = |own: &Own| own.app.as_ref().or(common.as_ref()).cloned();
    let own: Vec<_> = said
        .into_iter()
        .map(|(protocol, own)| (protocol, named(&own), own))
        .collect();
    let mut ways = Ways {
        routes: HashMap::new(),
        passwords: Vec::new(),
    };
    for (protocol, name, said) in &own {
        ways.passwords
            .push(apps.kind(name.as_ref()) == Some(Kind::Password));
        // One sign-in is for all protocols that the account uses by the same app.
        let is_same = |other: Option<&Text>| apps.called(other) == apps.called(name.as_ref());
        let same = own.iter().filter(|(_, other, _)| is_same(other.as_ref()));
        let protocols: Vec<_> = same.map(|(protocol, ..)| *protocol).collect();
        let wanted = Wanted {
            name: name.as_ref(),
            account: &table.span,
            tenant: tenant.as_ref(),
            protocols: &protocols,
        };
        let Some(app) = apps.find(&wanted, reader) else {
            continue;
        };
        if let Some(route) = route(*protocol, &app, said.identity.as_ref(), owner, reader) {
            ways.routes.insert(*protocol, route);
        } else if allowed.is_some() {
            let what = format!("the provider \"{}\" has no {protocol} host", app.provider.name);
            reader.error(
                &table.span,
                what,
                "`protocols` asks for it",
                "remove it there, or add the host",
            );
        }
    }
    ways
}

/// What the account says about each protocol that it may use.
fn said(table: &Table<'_>, allowed: Option<&[Protocol]>, reader: &mut Reader<'_>) -> Vec<(Protocol, Own)> {
    let mut said = Vec::new();
    for protocol in Protocol::ALL {
        let own = Own::read(table, protocol, reader);
        if allowed.is_none_or(|allowed| allowed.contains(&protocol)) {
            said.push((protocol, own));
        } else if let Some(span) = table.key(protocol.name()) {
            reader.no_effect(&span, protocol.name(), "`protocols` does not allow it");
        }
    }
    said
}

/// Whether any token has an owner. One that a person has consented to has, one of an app has not.
pub(super) fn has_owner(
    owner: &At<Mailbox>,
    routes: &HashMap<Protocol, Route>,
    reader: &mut Reader<'_>,
) -> bool {
    let has_owner = routes.is_empty() || routes.values().any(|route| !route.app.grant.is_app_only());
    if !has_owner {
        reader.no_effect(
            &owner.span,
            "signs_in_as",
            "the token of an app belongs to no person",
        );
    }
    has_owner
}

fn protocols(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Vec<Protocol>> {
    let list = table.texts("protocols", reader)?;
    let found: Vec<_> = list
        .value
        .into_iter()
        .map(|text| one_of("protocols", text, PROTOCOLS, reader))
        .collect();
    found.into_iter().map(|at| Some(at?.value)).collect()
}

/// None where the provider has no host for the protocol.
fn route(
    protocol: Protocol,
    app: &ConfiguredApp,
    asked: Option<&At<Identity>>,
    owner: Option<&At<Mailbox>>,
    reader: &mut Reader<'_>,
) -> Option<Route> {
    let refusal = match asked {
        Some(asked) if asked.value == Identity::Owner && app.app.grant.is_app_only() => Some((
            &asked.span,
            "an app-only token has no owner; Exchange wants the mailbox with it",
        )),
        Some(asked) if asked.value == Identity::Owner && owner.is_none() => Some((
            &asked.span,
            "without `signs_in_as` the mailbox itself is the owner",
        )),
        _ => None,
    };
    if let Some((span, why)) = refusal {
        reader.error(
            span,
            "`smtp.identity` = \"owner\" means nobody here",
            why,
            "remove it",
        );
    }
    // A delegate's token opens a shared mailbox over IMAP and POP3 by the mailbox's name; for SMTP Exchange wants the
    // delegate's own name and lets the message say which sender it is.
    let usual = match protocol {
        Protocol::Smtp if owner.is_some() && !app.app.grant.is_app_only() => Identity::Owner,
        _ => Identity::Mailbox,
    };
    Some(Route {
        app: app.app.clone(),
        host: app.provider.hosts.get(&protocol)?.clone(),
        mechanism: app.provider.mechanism,
        identity: asked.map_or(usual, |asked| asked.value),
    })
}
