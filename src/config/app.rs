//! `[app]` or `[app.NAME]`: where tokens come from, and what proves us there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::credentials;
use super::keys;
use super::provider::{Provider, Providers};
use super::reader::{Reader, Span, Text};
use super::table::{Table, list, nearest, one_of};
use super::tenant;
use crate::oauth::{self, App, ClientCredentials, Command, Dialect, Grant, Registration};
use crate::secret::Secret;

/// What an app is called that has no name of its own.
const ONLY: &str = "app";

/// How long an external command may run if nothing is said: it may have to ask a token endpoint itself.
const COMMAND_TIMEOUT: u32 = 30;

/// One app as it will be used.
#[derive(Clone, Debug)]
pub struct ConfiguredApp {
    /// The app, for one tenant.
    pub app: Arc<App>,
    /// Whom it asks, and where its mail is.
    pub provider: Arc<Provider>,
    /// The tenant in its token endpoint, where there is one.
    pub tenant: Option<Box<str>>,
}

/// The apps of one file. One that is wrong is known without being usable, so that it is not also called unknown.
pub(super) struct Apps {
    plans: BTreeMap<Box<str>, (Option<Plan>, Span, bool)>,
    made: BTreeMap<(Box<str>, Option<Box<str>>), ConfiguredApp>,
}

/// An app without its tenant, which an account may replace.
struct Plan {
    provider: Arc<Provider>,
    tenant: Option<Box<str>>,
    proof: Proof,
}

enum Proof {
    Credentials {
        client_id: Box<str>,
        secret: Secret<String>,
        scope: Box<str>,
    },
    Command(Arc<App>),
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    ClientCredentials,
    Command,
    Later,
}

const GRANTS: &[(&str, Kind)] = &[
    ("client_credentials", Kind::ClientCredentials),
    ("command", Kind::Command),
];

/// Those that are coming, so that the message can say so.
const LATER: [&str; 4] = ["authorization_code", "device_code", "password", "refresh_token"];

impl Apps {
    pub(super) fn read(root: &Table<'_>, providers: &mut Providers<'_>, reader: &mut Reader<'_>) -> Self {
        let mut plans = BTreeMap::new();
        for (name, table) in tables(root, reader) {
            let plan = Plan::read(&name, &table, providers, reader);
            plans.insert(name, (plan, table.span, false));
        }
        if plans.is_empty() && root.key("app").is_none() {
            let fix =
                "add [app] with tenant, client_id, client_secret_file and grant = \"client_credentials\"";
            reader.file_error("there is no [app]", "without one no token can be had", fix);
        }
        Self {
            plans,
            made: BTreeMap::new(),
        }
    }

    /// The app of that name, or the only one, for the tenant that an account names or else its own.
    pub(super) fn find(
        &mut self,
        name: Option<&Text>,
        account: &Span,
        tenant: Option<&Text>,
        reader: &mut Reader<'_>,
    ) -> Option<ConfiguredApp> {
        let name = self.named(name, account, reader)?;
        let (plan, _, used) = self.plans.get_mut(&name)?;
        *used = true;
        let plan = plan.as_ref()?;
        let tenant = match tenant {
            Some(text) if plan.takes_tenant() => Some(tenant::of(text, &plan.provider, reader)?),
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
        let key = (name, tenant);
        if let Some(made) = self.made.get(&key) {
            return Some(made.clone());
        }
        let made = plan.make(&key.0, key.1.as_deref())?;
        self.made.insert(key, made.clone());
        Some(made)
    }

    fn named(&self, name: Option<&Text>, account: &Span, reader: &mut Reader<'_>) -> Option<Box<str>> {
        if self.plans.is_empty() {
            // What is wrong with the apps is told there.
            return None;
        }
        let known = || self.plans.keys().map(AsRef::as_ref);
        let Some(name) = name else {
            if self.plans.len() > 1 {
                let why = format!("there are several: {}", list(known()));
                reader.error(
                    account,
                    "the account does not say which app it uses",
                    why,
                    "add `app`",
                );
                return None;
            }
            return self.plans.keys().next().cloned();
        };
        if self.plans.contains_key(name.value.as_str()) {
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
        for (name, (_, span, used)) in &self.plans {
            // Beside an error it may be the account that is wrong.
            if !used && reader.errors() == 0 {
                reader.warning(
                    span,
                    format!("no account uses the app \"{name}\""),
                    "nothing asks it",
                    "remove it",
                );
            }
        }
        self.made.into_values().collect()
    }
}

/// `[app]` is one app if it has any key of its own, else it holds one table per app.
fn tables<'t>(root: &Table<'t>, reader: &mut Reader<'_>) -> Vec<(Box<str>, Table<'t>)> {
    let Some(raw) = root.raw("app", reader) else {
        return Vec::new();
    };
    let several = raw.value.values().all(|value| value.get_ref().is_table());
    let named = raw.value.iter().any(|(key, value)| {
        // A table where a known key stands is that key's wrong type.
        value.get_ref().is_table() && !keys::APP.keys.contains(&key.get_ref().as_ref())
    });
    if raw.value.is_empty() || !several && !named {
        return vec![(ONLY.into(), Table::open(&keys::APP, raw.span, raw.value, reader))];
    }
    if !several {
        reader.error(
            &raw.span,
            "[app] has keys of its own beside [app.NAME]",
            "it is one app, or it holds several, never both",
            "give that one a name too, or remove the others",
        );
        return Vec::new();
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

impl Plan {
    fn read(
        name: &str,
        table: &Table<'_>,
        providers: &mut Providers<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let errors = reader.errors();
        let preset = table.text("preset", reader);
        let provider = match preset {
            None if table.key("preset").is_some() => None,
            preset => providers.find(preset.as_ref(), reader),
        };
        let plan = match kind(table, reader) {
            Kind::Command => Self::command(name, table, provider, reader),
            Kind::ClientCredentials => Self::credentials(table, provider, reader),
            Kind::Later => None,
        };
        plan.filter(|_| reader.errors() == errors)
    }

    fn command(
        name: &str,
        table: &Table<'_>,
        provider: Option<Arc<Provider>>,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let unused = [
            "tenant",
            "client_id",
            "client_secret_file",
            "client_secret_env",
            "client_secret_expires",
            "scope",
        ];
        for key in unused {
            if let Some(span) = table.key(key) {
                reader.no_effect(
                    &span,
                    key,
                    "with grant = \"command\" the command alone knows how to get a token",
                );
            }
        }
        let command = command(table, reader);
        let app = App {
            name: name.into(),
            grant: Grant::Command(command?),
        };
        Some(Self {
            provider: provider?,
            tenant: None,
            proof: Proof::Command(Arc::new(app)),
        })
    }

    fn credentials(
        table: &Table<'_>,
        provider: Option<Arc<Provider>>,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        for key in ["command", "command_timeout"] {
            if let Some(span) = table.key(key) {
                reader.no_effect(&span, key, "it belongs to grant = \"command\"");
            }
        }
        let client_id = credentials::client_id(table, provider.as_deref(), reader);
        let secret = credentials::secret(table, reader);
        credentials::note_expiry(table, reader);
        let tenant = tenant::read(table, provider.as_deref(), reader);
        let scope = credentials::scope(table, provider.as_deref(), reader);
        let provider = provider?;
        if provider.token_url.is_none() {
            let what = format!("[provider.{}] has no `token_url`", provider.name);
            reader.error(
                &table.span,
                what,
                "this app asks there for its tokens",
                "add `token_url` to the provider",
            );
        }
        Some(Self {
            provider,
            tenant: tenant?,
            proof: Proof::Credentials {
                client_id: client_id?,
                secret: secret?,
                scope: scope?,
            },
        })
    }

    fn takes_tenant(&self) -> bool {
        matches!(self.proof, Proof::Credentials { .. }) && self.provider.has_tenants()
    }

    fn make(&self, name: &str, tenant: Option<&str>) -> Option<ConfiguredApp> {
        let app = match &self.proof {
            Proof::Command(app) => Arc::clone(app),
            Proof::Credentials {
                client_id,
                secret,
                scope,
            } => Arc::new(App {
                name: name.into(),
                grant: Grant::ClientCredentials(ClientCredentials {
                    registration: Registration {
                        token_url: self.provider.token_url(tenant.unwrap_or_default())?,
                        client_id: client_id.clone(),
                        proof: oauth::Proof::Secret(Secret::new(secret.expose().clone())),
                        dialect: Dialect::Scope,
                    },
                    scope: scope.clone(),
                }),
            }),
        };
        Some(ConfiguredApp {
            app,
            provider: Arc::clone(&self.provider),
            tenant: tenant.map(Into::into),
        })
    }
}

/// Where the grant is missing or misspelled, the one that was probably meant, so that the rest is looked at too.
fn kind(table: &Table<'_>, reader: &mut Reader<'_>) -> Kind {
    let (probable, fix) = if table.key("command").is_some() {
        (Kind::Command, "add grant = \"command\"")
    } else {
        (Kind::ClientCredentials, "add grant = \"client_credentials\"")
    };
    let Some(text) = table.required("grant", "it says how tokens are obtained", fix, reader) else {
        return probable;
    };
    if LATER.contains(&text.value.as_str()) {
        reader.error(
            &text.span,
            format!("`grant` = {} is not in this version of saslgate", text.shown()),
            "a person would have to sign in, and nothing here keeps what comes of it",
            "use grant = \"client_credentials\" or \"command\"",
        );
        return Kind::Later;
    }
    one_of("grant", text, GRANTS, reader).map_or(probable, |kind| kind.value)
}

fn command(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Command> {
    let bounds = 1..=600;
    let timeout = table.whole(
        "command_timeout",
        bounds,
        "a mail client waits that many seconds at most",
        reader,
    );
    if table.key("command").is_none() {
        let fix = "add command = [\"/path/to/program\", \"argument\"]";
        table.missing("command", "it is what prints the token", fix, reader);
    }
    let argv = table.texts("command", reader)?;
    let program = argv.value.first()?;
    if !Path::new(&program.value).is_absolute() {
        reader.error(
            &program.span,
            "the program has no absolute path",
            "a service has neither your working directory nor your PATH",
            "write the path that `command -v` prints",
        );
    } else if !reader.is_program(Path::new(&program.value)) {
        reader.warning(
            &program.span,
            "the program is not there, or this user may not execute it",
            "until it can be, no account of this app gets a token",
            "install it, or chmod it",
        );
    }
    Some(Command {
        argv: argv.value.iter().map(|text| text.value.as_str().into()).collect(),
        timeout: Duration::from_secs(timeout.map_or(COMMAND_TIMEOUT, |at| at.value).into()),
    })
}
