//! `saslgate check --exposed`: what can be reached, from where, and who gets in there, for whoever has to allow it.

use std::fmt::{self, Display};

use serde::Serialize;
use url::Url;

use super::{SHOWN, joined};
use crate::account::{Account, PasswordHash, Passwords};
use crate::admin::Settings as Admin;
use crate::config::Config;
use crate::health::Settings as Health;
use crate::listener::{Settings, TlsMode};
use crate::provider::Protocol;

/// Everything that listens, or may listen at times.
#[derive(Serialize)]
pub(super) struct Exposed {
    listeners: Vec<Port>,
    /// Where probes and scrapes are answered; none if they are not.
    health: Option<Probed>,
    /// The admin page; none if there is none.
    admin: Option<Page>,
    /// Redirect URIs on this machine: they are listened to while somebody signs in.
    during_sign_in: Vec<String>,
    /// The socket of the commands: a file, not a port.
    control: String,
}

/// One listener.
#[derive(Serialize)]
struct Port {
    protocol: Protocol,
    addresses: Vec<String>,
    tls: &'static str,
    /// Networks whose logins are taken without TLS.
    in_clear_from: Vec<String>,
    /// Networks that may connect; empty means anywhere.
    from: Vec<String>,
    /// Balancers that say where a connection comes from; where there are any, nobody else may connect.
    balancers: Vec<String>,
    on_this_machine: bool,
    only_generated: bool,
    accounts: Vec<Person>,
    devices: Vec<Unasked>,
}

/// The listener for probes and scrapes.
#[derive(Serialize)]
struct Probed {
    addresses: Vec<String>,
    /// Networks that may connect beside this machine; empty means anywhere.
    from: Vec<String>,
    on_this_machine: bool,
    /// Whether the names of accounts are shown there.
    account_names: bool,
}

/// The admin page.
#[derive(Serialize)]
struct Page {
    addresses: Vec<String>,
    /// By which address browsers have to call it.
    url: String,
    /// Networks that may connect beside this machine; empty means anywhere.
    from: Vec<String>,
    on_this_machine: bool,
    /// Whether TLS is spoken here; else a proxy does, or nobody comes from elsewhere.
    tls: bool,
    behind_proxy: bool,
    /// Whether a password is configured; else a token in a file beside the store is asked for.
    password: bool,
}

/// Somebody who logs in by a password.
#[derive(Serialize)]
struct Person {
    account: String,
    by: Vec<&'static str>,
    from: Vec<String>,
}

/// A device that sends without a password.
#[derive(Serialize)]
struct Unasked {
    network: String,
    sends_as: String,
}

impl Exposed {
    /// What a configuration opens.
    pub(super) fn of(config: &Config) -> Self {
        let listeners = config.listeners.iter();
        Self {
            listeners: listeners
                .map(|settings| Port::of(settings, &config.accounts))
                .collect(),
            health: config.health.as_ref().map(Probed::of),
            admin: config.admin.as_ref().map(Page::of),
            during_sign_in: landings(config),
            control: config.state.control.display().to_string(),
        }
    }

    /// The same for programs.
    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Port {
    fn of(settings: &Settings, accounts: &[Account]) -> Self {
        let people = accounts.iter().filter(|account| settings.can_log_in(account));
        let people = people.map(|account| Person::of(account, settings));
        let devices = settings.devices.entries().iter();
        Self {
            protocol: settings.protocol,
            addresses: texts(&settings.bind),
            tls: match settings.tls {
                TlsMode::Off => "off",
                TlsMode::StartTls => "starttls",
                TlsMode::StartTlsOptional => "starttls-optional",
                TlsMode::Implicit => "implicit",
            },
            in_clear_from: texts(&settings.plaintext_from),
            from: texts(&settings.allow_from),
            balancers: texts(&settings.proxy_from),
            on_this_machine: settings.bind.iter().all(|address| address.ip().is_loopback()),
            only_generated: settings.passwords == Passwords::Generated,
            accounts: people.filter(|person| !person.by.is_empty()).collect(),
            devices: devices
                .map(|(network, login)| Unasked {
                    network: network.to_string(),
                    sends_as: login.to_string(),
                })
                .collect(),
        }
    }

    fn reached_from(&self) -> String {
        let machine = if self.on_this_machine {
            "this machine only"
        } else {
            "anywhere"
        };
        match (self.balancers.as_slice(), self.from.as_slice()) {
            ([], []) => machine.to_owned(),
            ([], some) if self.on_this_machine => format!("{machine}, and of it {}", some.join(", ")),
            ([], some) => some.join(", "),
            (balancers, []) => format!("anywhere, through {} (PROXY protocol)", balancers.join(", ")),
            (balancers, some) => format!(
                "{}, through {} (PROXY protocol)",
                some.join(", "),
                balancers.join(", ")
            ),
        }
    }

    fn security(&self) -> String {
        let clear = self.in_clear_from.join(", ");
        match self.tls {
            "off" => format!("none; logins from {clear} are taken in clear, others refused"),
            "starttls" => "1.2 or newer, by STARTTLS before any login or mail".to_owned(),
            "starttls-optional" => {
                format!("1.2 or newer, by STARTTLS; logins from {clear} are taken in clear too")
            }
            _ => "1.2 or newer, from the first byte".to_owned(),
        }
    }
}

impl Probed {
    fn of(settings: &Health) -> Self {
        Self {
            addresses: texts(&settings.bind),
            from: texts(&settings.allow_from),
            on_this_machine: settings.bind.iter().all(|address| address.ip().is_loopback()),
            account_names: settings.account_names,
        }
    }
}

impl Page {
    fn of(settings: &Admin) -> Self {
        Self {
            addresses: texts(&settings.bind),
            url: settings.url.to_string(),
            from: texts(&settings.allow_from),
            on_this_machine: settings.bind.iter().all(|address| address.ip().is_loopback()),
            tls: settings.identity.is_some(),
            behind_proxy: settings.behind_proxy,
            password: settings.password.is_some(),
        }
    }
}

/// Without a line end at its end.
impl Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match (self.on_this_machine, self.from.as_slice()) {
            (true, _) => "this machine only".to_owned(),
            (false, []) => "anywhere".to_owned(),
            (false, some) => format!("this machine and {}", some.join(", ")),
        };
        let tls = match (self.tls, self.behind_proxy) {
            (true, _) => "1.2 or newer, from the first byte",
            (false, true) => "none here: the proxy in front does it",
            (false, false) => "none: plain HTTP",
        };
        let password = if self.password {
            "the password of [admin]"
        } else {
            "the token in the file admin-token beside the token store"
        };
        writeln!(f, "the admin page at {}", joined(&self.addresses, " and "))?;
        writeln!(f, "  reached from  {from}, as {} only", self.url)?;
        writeln!(f, "  TLS           {tls}")?;
        write!(
            f,
            "  who gets in   whoever knows {password}; a link for one sign-in opens that alone"
        )
    }
}

impl Person {
    fn of(account: &Account, settings: &Settings) -> Self {
        let is_generated = |password: &PasswordHash| matches!(password, PasswordHash::Generated(_));
        let any = settings.passwords == Passwords::Any;
        let route = account.routes.get(&settings.protocol);
        let ways = [
            ("a generated password", account.passwords.iter().any(is_generated)),
            (
                "a chosen password",
                any && (account.imported || !account.passwords.iter().all(is_generated)),
            ),
            (
                "the provider's password",
                any && route.is_some_and(|route| account.asks_provider(route)),
            ),
        ];
        let by = ways.into_iter().filter(|(_, is_one)| *is_one).map(|(way, _)| way);
        Self {
            account: account.name.to_string(),
            by: by.collect(),
            from: texts(&account.allow_from),
        }
    }
}

/// Where browsers are sent back to on this machine.
fn landings(config: &Config) -> Vec<String> {
    let apps = config.apps.iter();
    let pages = apps.filter_map(|configured| configured.app.grant.delegated()?.browser.as_ref());
    let mut landings: Vec<String> = pages
        .map(|page| page.redirect_uri.to_string())
        .filter(|uri| Url::parse(uri).is_ok_and(|uri| uri.scheme() == "http"))
        .collect();
    landings.sort();
    landings.dedup();
    landings
}

fn texts<T: ToString>(things: &[T]) -> Vec<String> {
    things.iter().map(ToString::to_string).collect()
}

impl Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What can be reached, from where, and who gets in")?;
        for port in &self.listeners {
            writeln!(f, "\n{port}")?;
        }
        if let Some(health) = &self.health {
            writeln!(f, "\n{health}")?;
        }
        if let Some(admin) = &self.admin {
            writeln!(f, "\n{admin}")?;
        }
        writeln!(f)?;
        for uri in &self.during_sign_in {
            writeln!(
                f,
                "While somebody signs in by browser: {uri}, from this machine only."
            )?;
        }
        writeln!(
            f,
            "Commands: the socket {}, for saslgate's own user and root.",
            self.control
        )?;
        writeln!(f, "No other port is opened.")
    }
}

/// Without a line end at its end.
impl Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match (self.on_this_machine, self.from.as_slice()) {
            (true, _) => "this machine only".to_owned(),
            (false, []) => "anywhere".to_owned(),
            (false, some) => format!("this machine and {}", some.join(", ")),
        };
        let names = if self.account_names {
            "with the names of accounts"
        } else {
            "without any name"
        };
        writeln!(f, "probes and scrapes at {}", joined(&self.addresses, " and "))?;
        writeln!(f, "  reached from  {from}")?;
        writeln!(f, "  TLS           none: plain HTTP, GET only")?;
        write!(
            f,
            "  who gets in   anybody, without a login; it shows states and numbers {names}, and changes nothing"
        )
    }
}

/// Without a line end at its end.
impl Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} at {}", self.protocol, joined(&self.addresses, " and "))?;
        writeln!(f, "  reached from  {}", self.reached_from())?;
        writeln!(f, "  TLS           {}", self.security())?;
        let passwords = if self.only_generated {
            "generated ones only"
        } else {
            "generated ones and those that a person chose"
        };
        write!(f, "  passwords     {passwords}")?;
        if self.accounts.is_empty() && self.devices.is_empty() {
            write!(f, "\n  who gets in   nobody")?;
        }
        for Person { account, by, from } in self.accounts.iter().take(SHOWN) {
            write!(f, "\n  logs in       {account}, by {}", by.join(" or "))?;
            if !from.is_empty() {
                write!(f, ", only from {}", from.join(", "))?;
            }
        }
        if self.accounts.len() > SHOWN {
            write!(f, "\n  and {} accounts more", self.accounts.len() - SHOWN)?;
        }
        for Unasked { network, sends_as } in &self.devices {
            write!(f, "\n  no password   {network} sends as {sends_as}")?;
        }
        Ok(())
    }
}
