//! email-oauth2-proxy: its `emailproxy.config`, and the cache that `--cache-store` put elsewhere.

mod app;
mod password;
mod servers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::draft::{Account, Draft};
use super::ini::{Ini, Options};
use app::{app, protocols};
use password::password;
use servers::Server;

/// What that program keeps in a cache, wherever it is.
const CACHED: &[&str] = &[
    "access_token",
    "access_token_expiry",
    "refresh_token",
    "token_salt",
    "token_iterations",
    "client_secret_encrypted",
    "last_activity",
];

/// Everything else that an account's section can have.
const OF_ACCOUNTS: &[&str] = &[
    "permission_url",
    "token_url",
    "oauth2_scope",
    "oauth2_flow",
    "oauth2_resource",
    "redirect_uri",
    "redirect_listen_address",
    "client_id",
    "client_secret",
    "use_pkce",
    "jwt_certificate_path",
    "jwt_key_path",
];

/// One account's options, with what it inherits.
struct Section<'a> {
    login: &'a str,
    own: &'a Options,
    inherited: Vec<&'a Options>,
    folder: &'a Path,
}

impl Section<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut all = std::iter::once(&self.own).chain(&self.inherited);
        let value = all.find_map(|options| options.get(name))?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|path| self.folder.join(path))
    }
}

/// Reads a configuration, with the cache if it is elsewhere. Relative paths in it count from `folder`.
pub(super) fn draft(text: &str, cache: Option<&str>, folder: &Path) -> Result<Draft, String> {
    let mut ini = Ini::read(text);
    if let Some(cache) = cache {
        join(&mut ini, cache)?;
    }
    let mut draft = Draft {
        source: "email-oauth2-proxy".to_owned(),
        ..Draft::default()
    };
    let has_catch_all = globals(&ini, &mut draft);
    let servers = servers::read(&ini, folder, &mut draft);
    if servers.is_empty() && !ini.sections().any(|(name, _)| name.contains('@')) {
        return Err("it has no sections such as [IMAP-1993] or [user@example.com]: is this the configuration of email-oauth2-proxy?".into());
    }
    for (name, own) in ini.sections().filter(|(name, _)| name.contains('@')) {
        let inherited = inherited(&ini, name, has_catch_all);
        let section = Section {
            login: name,
            own,
            inherited,
            folder,
        };
        account(&section, has_catch_all, &servers, &mut draft)?;
    }
    Ok(draft)
}

/// What a cache adds: INI, or the JSON in which AWS Secrets Manager has it.
fn join(ini: &mut Ini, cache: &str) -> Result<(), String> {
    type Json = BTreeMap<String, BTreeMap<String, String>>;
    let cached: Vec<(String, Vec<(String, String)>)> = if cache.trim_start().starts_with('{') {
        let json: Json = serde_json::from_str(cache).map_err(|_| {
            "the cache begins like JSON, and is not what email-oauth2-proxy writes there".to_owned()
        })?;
        json.into_iter()
            .map(|(name, options)| (name, options.into_iter().collect()))
            .collect()
    } else {
        let read = Ini::read(cache);
        let options = |options: &Options| {
            options
                .iter()
                .map(|(key, value)| (key.clone(), value.to_string()))
                .collect()
        };
        read.sections()
            .map(|(name, of)| (name.to_owned(), options(of)))
            .collect()
    };
    for (section, options) in cached.into_iter().filter(|(name, _)| name.contains('@')) {
        for (name, value) in options.iter().filter(|(name, _)| CACHED.contains(&name.as_str())) {
            ini.put(&section, name, value);
        }
    }
    Ok(())
}

/// What `[emailproxy]` says: whether sections of domains count.
fn globals(ini: &Ini, draft: &mut Draft) -> bool {
    let globals = ini.get("emailproxy");
    let is_on = |name: &str| {
        let value = globals.and_then(|options| options.get(name));
        value.is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "yes" | "true" | "on"))
    };
    if is_on("use_login_password_as_client_credentials_secret") {
        draft.note(
            "use_login_password_as_client_credentials_secret",
            "a mail client's password was the app's client secret",
            "write the client secret into a file and name it by `client_secret_file` in the app; mail clients have passwords of their own here",
        );
    }
    is_on("allow_catch_all_accounts")
}

/// The sections that an account's options come from where its own has none.
fn inherited<'a>(ini: &'a Ini, name: &str, has_catch_all: bool) -> Vec<&'a Options> {
    let domain = name.rsplit_once('@').map(|(_, domain)| format!("@{domain}"));
    let names = [domain.unwrap_or_default(), "@".to_owned()];
    let names = names
        .iter()
        .filter(|above| has_catch_all && above.as_str() != name);
    names.filter_map(|above| ini.get(above)).collect()
}

fn account(
    section: &Section<'_>,
    has_catch_all: bool,
    servers: &[Server],
    draft: &mut Draft,
) -> Result<(), String> {
    let name = section.login;
    let (local, domain) = name.rsplit_once('@').unwrap_or_default();
    if local.is_empty() && (!has_catch_all || domain.is_empty()) {
        let why = if has_catch_all {
            "it stood for every mailbox of every domain"
        } else {
            "it has no effect without `allow_catch_all_accounts`"
        };
        let fix = "write one [[account]] with login = \"*@example.com\" for each domain that needs it";
        draft.note(format!("[{name}]"), why, fix);
        return Ok(());
    }
    note_options(section, draft);
    let Some(app) = app(section, servers, draft) else {
        return Ok(());
    };
    let protocols = protocols(section, servers, &draft.apps[app]);
    let password = password(section, draft.apps[app].grant, draft)?;
    let is_catch_all = local.is_empty();
    let login = if is_catch_all {
        format!("*@{domain}")
    } else {
        name.to_owned()
    };
    if is_catch_all {
        draft.note(
            format!("[{name}]"),
            format!("one new password opens every mailbox of {domain} that has no account of its own"),
            "take the account out if nobody needs it: whoever has logged in before has an account of their own. Where people sign in, each does: \
             `saslgate sign-in NAME@DOMAIN`",
        );
    }
    draft.accounts.push(Account {
        login,
        app,
        protocols,
        password,
    });
    Ok(())
}

/// Notes what has no equivalent.
fn note_options(section: &Section<'_>, draft: &mut Draft) {
    let of = |name: &str| format!("{name} of [{}]", section.login);
    for name in section.own.keys() {
        let is_known = OF_ACCOUNTS.contains(&name.as_str()) || CACHED.contains(&name.as_str());
        if !is_known {
            draft.note(
                of(name),
                "saslgate has nothing by that name",
                "see config/reference.toml for what there is",
            );
        }
    }
    if section.get("redirect_listen_address").is_some() {
        let fix = "where no browser can reach this machine, sign in with `saslgate sign-in ACCOUNT --paste` or `--device`";
        draft.note(
            of("redirect_listen_address"),
            "saslgate waits where `redirect_uri` leads",
            fix,
        );
    }
    if section.get("oauth2_resource").is_some() {
        let what = "the earlier generation of Entra's endpoints asked by resource";
        draft.note(
            of("oauth2_resource"),
            what,
            "preset = \"microsoft365-china\" asks as 21Vianet wants it; run `saslgate test ACCOUNT`",
        );
    }
}
