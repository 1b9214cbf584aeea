//! The configuration that a draft becomes, and the files beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::draft::{Account, App, Draft, Listener, OwnProvider, Password, Proof};
use crate::account::PasswordHash;
use crate::provider::UpstreamTls;

/// A configuration, and the files that it names.
pub(super) struct Rendered {
    pub(super) text: String,
    /// Each of them holds a secret.
    pub(super) secrets: Vec<(PathBuf, Zeroizing<String>)>,
}

/// Writes a draft down, for a configuration in that directory.
pub(super) fn render(draft: &Draft, folder: &Path) -> Rendered {
    let mut rendered = Rendered {
        text: format!(
            "# Made by `saslgate import` from {}. It is yours now: change what you like. config/reference.toml has every key.\n\
             # `saslgate check` tells whether it is sound, `saslgate status` how each account stands.\n",
            draft.source
        ),
        secrets: Vec::new(),
    };
    for listener in &draft.listeners {
        of_listener(&mut rendered.text, listener);
    }
    for provider in &draft.providers {
        of_provider(&mut rendered.text, provider);
    }
    for app in &draft.apps {
        of_app(&mut rendered, app, draft.apps.len() > 1, folder);
    }
    for account in &draft.accounts {
        of_account(&mut rendered.text, account, draft);
    }
    rendered
}

/// A string as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn set(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {}", quoted(value));
}

fn list(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

fn of_listener(text: &mut String, listener: &Listener) {
    let _ = writeln!(text, "\n# {} there.\n[[listener]]", listener.was);
    set(text, "protocol", listener.protocol.name());
    match listener.bind.as_slice() {
        [one] => set(text, "bind", one),
        several => _ = writeln!(text, "bind = {}", list(several)),
    }
    if let Some(tls) = &listener.tls {
        set(text, "tls", tls.mode);
        set(text, "certificate", &tls.certificate.to_string_lossy());
        if let Some(key) = &tls.key {
            set(text, "key", &key.to_string_lossy());
        }
    }
}

fn of_provider(text: &mut String, provider: &OwnProvider) {
    let _ = writeln!(
        text,
        "\n# No preset knows this provider.\n[provider.{}]",
        provider.name
    );
    set(text, "token_url", &provider.token_url);
    for (key, url) in [
        ("authorize_url", &provider.authorize_url),
        ("device_url", &provider.device_url),
    ] {
        if let Some(url) = url {
            set(text, key, url);
        }
    }
    for (protocol, host, tls) in &provider.hosts {
        set(text, protocol.name(), host);
        let tls = match tls {
            UpstreamTls::Implicit => "implicit",
            UpstreamTls::StartTls => "starttls",
        };
        set(text, &format!("tls.{protocol}"), tls);
    }
}

fn of_app(rendered: &mut Rendered, app: &App, is_one_of_many: bool, folder: &Path) {
    let text = &mut rendered.text;
    let title = if is_one_of_many {
        format!("[app.{}]", quoted_key(&app.name))
    } else {
        "[app]".to_owned()
    };
    let _ = writeln!(text, "\n{title}");
    set(text, "grant", app.grant);
    set(text, "preset", &app.preset);
    let said = [
        ("tenant", &app.tenant),
        ("client_id", &app.client_id),
        ("scope", &app.scope),
        ("redirect_uri", &app.redirect_uri),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            set(text, key, value);
        }
    }
    let mut secret = |key: &str, suffix: &str, value: &str, text: &mut String| {
        let name = format!("{}.{suffix}", app.name);
        set(text, key, &name);
        rendered
            .secrets
            .push((folder.join(name), Zeroizing::new(value.to_owned())));
    };
    match &app.proof {
        Proof::Nothing => {}
        Proof::Secret(value) => secret("client_secret_file", "secret", value.expose(), text),
        Proof::ServiceAccountKey(json) => secret("service_account_file", "json", json.expose(), text),
        Proof::ServiceAccountFile(path) => set(text, "service_account_file", &path.to_string_lossy()),
        Proof::Certificate { certificate, key } => {
            set(text, "certificate", &certificate.to_string_lossy());
            set(text, "key", &key.to_string_lossy());
        }
    }
}

/// `outlook.com` as a key would be two.
fn quoted_key(name: &str) -> String {
    let is_bare = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn of_account(text: &mut String, account: &Account, draft: &Draft) {
    text.push_str("\n[[account]]\n");
    set(text, "login", &account.login);
    match &account.password {
        Password::Imported(_) => {
            text.push_str("# The one that its mail client has: the first login shows it, and the token store keeps it from then on.\n");
            set(text, "password", "imported");
        }
        Password::Made { hash, .. } => {
            set(text, "password", &PasswordHash::Generated(hash.clone()).stored());
        }
        Password::Provider => {
            text.push_str("# Its mail client types the password at the provider, which judges it.\n");
        }
    }
    if draft.apps.len() > 1 {
        set(text, "app", &draft.apps[account.app].name);
    }
    let names: Vec<_> = account
        .protocols
        .iter()
        .map(|protocol| protocol.name().to_owned())
        .collect();
    let _ = writeln!(text, "protocols = {}", list(&names));
    if account.login.starts_with("*@") {
        text.push_str("allow_any_mailbox = true\n");
    }
}
