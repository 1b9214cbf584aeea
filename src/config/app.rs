//! `[app]` or `[app.NAME]`: where tokens come from, and what proves us there.

mod browser;
mod certificate;
mod client_id;
mod client_secret;
mod command;
mod grant;
mod identity;
mod plan;
mod proof;
mod reading;
mod scope;
mod service_account;
mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeTable;

use super::keys;
use super::provider::{Provider, Providers};
use super::reader::{Reader, Span, Text};
use super::table::{Table, list, nearest};
use super::tenant::{self, Named};
use crate::oauth::App;
use crate::provider::Protocol;
pub(crate) use client_id::NO_CLIENT_ID;
pub(super) use grant::Kind;
use plan::{Plan, Use};
use reading::Reading;

/// What an app is called that has no name of its own.
const ONLY: &str = "app";

/// One app as it will be used.
#[derive(Clone, Debug)]
pub struct ConfiguredApp {
    /// The app, for one tenant, and for the protocols of an account if people consent to those.
    pub app: Arc<App>,
    /// Whom it asks, and where its mail is.
    pub provider: Arc<Provider>,
    /// The tenant in its token endpoint, where there is one.
    pub tenant: Option<Box<str>>,
    /// The environment variables of the platform that say what the file leaves out.
    pub environment: Vec<&'static str>,
}

/// One app of the file. One that is wrong is known without being usable, so that it is not also called unknown.
struct Written {
    kind: Option<Kind>,
    plan: Option<Plan>,
    span: Span,
    is_used: bool,
}

/// What tells one app as it is used from another: its name, where it asks, and for what.
type Variant = (Box<str>, (String, String));

/// The apps of one file.
pub(super) struct Apps {
    written: BTreeMap<Box<str>, Written>,
    made: BTreeMap<Variant, ConfiguredApp>,
}

/// What an account says about an app.
pub(super) struct Wanted<'a> {
    /// The app's name; none where there is only one.
    pub(super) name: Option<&'a Text>,
    /// Where the account stands.
    pub(super) account: &'a Span,
    /// The tenant that the account has instead of the app's.
    pub(super) tenant: Option<&'a Text>,
    /// The protocols for which the account uses the app.
    pub(super) protocols: &'a [Protocol],
}

impl Apps {
    pub(super) fn read(root: &Table<'_>, providers: &mut Providers<'_>, reader: &mut Reader<'_>) -> Self {
        let mut written = BTreeMap::new();
        for (name, table) in tables(root, reader) {
            let kind = Kind::read(&table, reader);
            let reading = |kind| Reading {
                name: &name,
                kind,
                table: &table,
            };
            let app = Written {
                kind,
                plan: kind.and_then(|kind| reading(kind).plan(providers, reader)),
                span: table.span,
                is_used: false,
            };
            written.insert(name, app);
        }
        if written.is_empty() && root.key("app").is_none() && !root.is_mistyped("app") {
            let fix = "add [app] with tenant, client_id and grant";
            reader.file_error(0, "there is no [app]", "without one no token can be had", fix);
        }
        Self {
            written,
            made: BTreeMap::new(),
        }
    }

    /// The app of that name, or the only one, for the tenant that an account names or else its own.
    pub(super) fn find(&mut self, wanted: &Wanted<'_>, reader: &mut Reader<'_>) -> Option<ConfiguredApp> {
        let name = self.named(wanted, reader)?;
        let written = self.written.get_mut(&name)?;
        written.is_used = true;
        let plan = written.plan.as_ref()?;
        let tenant = match wanted.tenant {
            Some(text) if plan.takes_tenant() => Some(tenant_of(plan, text, reader)?),
            Some(text) => {
                reader.no_effect(
                    &text.span,
                    "tenant",
                    "the token endpoint of this account's app does not depend on it",
                );
                None
            }
            None => plan.tenant.clone(),
        };
        let has_host = |protocol: &&Protocol| plan.provider.hosts.contains_key(protocol);
        let protocols: Vec<_> = wanted.protocols.iter().filter(has_host).copied().collect();
        if let Some(asked) = plan.asked() {
            asked.note_missing(&protocols, plan.provider.preset, reader);
        }
        let used = Use {
            tenant: tenant.as_ref(),
            protocols: &protocols,
        };
        let variant = (name, plan.variant(used));
        if let Some(made) = self.made.get(&variant) {
            return Some(made.clone());
        }
        let made = plan.make(&variant.0, used)?;
        self.made.insert(variant, made.clone());
        Some(made)
    }

    /// The name of the app that an account means: the one that it says, or that of the only one.
    pub(super) fn called<'a>(&'a self, name: Option<&'a Text>) -> Option<&'a str> {
        match name {
            Some(name) => Some(&name.value),
            None if self.written.len() == 1 => self.written.keys().next().map(AsRef::as_ref),
            None => None,
        }
    }

    /// The grant of the app that an account means, usable or not; none if there is no such app, or nobody can tell.
    pub(super) fn kind(&self, name: Option<&Text>) -> Option<Kind> {
        let written = self.written.get(self.called(name)?)?;
        written.kind
    }

    fn named(&self, wanted: &Wanted<'_>, reader: &mut Reader<'_>) -> Option<Box<str>> {
        if self.written.is_empty() {
            // What is wrong with the apps is told there.
            return None;
        }
        let known = || self.written.keys().map(AsRef::as_ref);
        let Some(name) = wanted.name else {
            if self.written.len() > 1 {
                let why = format!("there are several: {}", list(known()));
                reader.error(
                    wanted.account,
                    "the account does not say which app it uses",
                    why,
                    "add `app`",
                );
                return None;
            }
            return self.written.keys().next().cloned();
        };
        if self.written.contains_key(name.value.as_str()) {
            return Some(name.value.as_str().into());
        }
        let fix = match nearest(&name.written, known()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => "write a table [app.NAME] of that name".to_owned(),
        };
        let why = format!("there is {}", list(known()));
        reader.error(&name.span, format!("there is no app {}", name.shown()), why, fix);
        None
    }

    /// Every app that an account uses, and a word about those that none does.
    pub(super) fn finish(self, reader: &mut Reader<'_>) -> Vec<ConfiguredApp> {
        for (name, written) in &self.written {
            // Beside an error it may be the account that is wrong.
            if !written.is_used && reader.errors() == 0 {
                reader.warning(
                    &written.span,
                    format!("no account uses the app \"{name}\""),
                    "nothing asks it",
                    "remove it",
                );
            }
        }
        self.made.into_values().collect()
    }
}

/// The tenant of an account. The generation of endpoints stays the app's, unless it is said anew.
fn tenant_of(plan: &Plan, text: &Text, reader: &mut Reader<'_>) -> Option<Named> {
    let named = tenant::of(text, &plan.provider, plan.kind.everybody(), reader)?;
    let own = plan.tenant.as_ref().and_then(|own| own.dialect);
    Some(Named {
        dialect: named.dialect.or(own),
        ..named
    })
}

/// What a table `[app]` is.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Form {
    /// One app.
    One,
    /// One table for each app.
    Several,
    /// Keys of one app beside tables of others.
    Both,
}

impl Form {
    /// It is one app if it has any key of its own.
    pub(super) fn of(entries: &DeTable<'_>) -> Self {
        let several = entries.values().all(|value| value.get_ref().is_table());
        let named = entries.iter().any(|(key, value)| {
            // A table where a known key stands is that key's wrong type.
            value.get_ref().is_table() && !keys::APP.keys.contains(&key.get_ref().as_ref())
        });
        match (several, named) {
            (true, true) => Self::Several,
            (false, true) => Self::Both,
            (true, false) if !entries.is_empty() => Self::Several,
            (_, false) => Self::One,
        }
    }
}

fn tables<'t>(root: &Table<'t>, reader: &mut Reader<'_>) -> Vec<(Box<str>, Table<'t>)> {
    let Some(raw) = root.raw("app", reader) else {
        return Vec::new();
    };
    match Form::of(raw.value) {
        Form::One => {
            return vec![(ONLY.into(), Table::open(&keys::APP, raw.span, raw.value, reader))];
        }
        Form::Both => {
            reader.error(
                &raw.span,
                "[app] has keys of its own beside [app.NAME]",
                "it is one app, or it holds several, never both",
                "give that one a name too, or remove the others",
            );
            return Vec::new();
        }
        Form::Several => {}
    }
    let mut apps = Vec::new();
    for (name, entries) in root.named("app", reader) {
        apps.push((
            name.value.into(),
            Table::open(&keys::APP, name.span, entries, reader),
        ));
    }
    apps
}
