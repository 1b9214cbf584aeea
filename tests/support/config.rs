//! Configurations as an operator would write them, for a simulator.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use saslgate::account::password::{GeneratedPassword, PasswordHash};
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Sim};

use super::Tls;

/// The app of the demo's tenant.
pub(crate) const DEMO_APP: &str = "demo";

/// The file of the client secret of the demo's app.
pub(crate) const DEMO_SECRET: &str = "demo-secret";

/// The provider that is simulated.
pub(crate) const SIMULATOR: &str = "simulator";

/// An account with one generated password.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) login: String,
    pub(crate) password: String,
    hashes: Vec<String>,
    app: String,
    more: String,
}

impl Account {
    /// An account of the demo's app.
    pub(crate) fn new(login: &str) -> Self {
        let (password, hash) = GeneratedPassword::make().unwrap();
        Self {
            login: login.to_owned(),
            password: password.text().to_owned(),
            hashes: vec![PasswordHash::Generated(hash).stored()],
            app: DEMO_APP.to_owned(),
            more: String::new(),
        }
    }

    /// An account with a password that somebody chose, hashed as cheaply as Argon2 can.
    pub(crate) fn chosen(login: &str, password: &str) -> Self {
        const SALT: &[u8; 16] = b"of no importance";
        let mut hash = [0; 32];
        let params = argon2::Params::new(8, 1, 1, Some(hash.len())).unwrap();
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(password.as_bytes(), SALT, &mut hash)
            .unwrap();
        let [salt, hash] = [&SALT[..], &hash].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        Self {
            password: password.to_owned(),
            hashes: vec![format!("sg2:8:1:1:{salt}:{hash}")],
            ..Self::new(login)
        }
    }

    /// An account whose password the provider judges.
    pub(crate) fn of_person(login: &str, password: &str) -> Self {
        Self {
            password: password.to_owned(),
            hashes: Vec::new(),
            ..Self::new(login)
        }
    }

    /// The same with another app.
    pub(crate) fn app(mut self, app: &str) -> Self {
        app.clone_into(&mut self.app);
        self
    }

    /// The same login with a password that is not its own.
    pub(crate) fn guessing(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// The same with one more line.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.more += line;
        self.more.push('\n');
        self
    }

    /// The same account with one more password; hands back a login with that one.
    pub(crate) fn add_password(&mut self) -> Self {
        let other = Self::new(&self.login);
        self.hashes.extend(other.hashes.clone());
        other
    }

    /// The same account when only the first `count` passwords are left.
    pub(crate) fn keep_passwords(mut self, count: usize) -> Self {
        self.hashes.truncate(count);
        self
    }

    fn text(&self) -> String {
        let hashes: Vec<_> = self.hashes.iter().map(|hash| format!("\"{hash}\"")).collect();
        let password = match hashes.as_slice() {
            [] => String::new(),
            some => format!("password = [{}]\n", some.join(", ")),
        };
        format!(
            "[[account]]\nlogin = \"{}\"\napp = \"{}\"\n{password}{}\n",
            self.login, self.app, self.more
        )
    }
}

/// A configuration that is being written.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    providers: String,
    apps: BTreeMap<String, String>,
    accounts: Vec<Account>,
    pub(crate) listeners: Vec<(Protocol, Tls)>,
    /// Further lines of each listener.
    at_listeners: String,
    tables: BTreeMap<&'static str, String>,
}

impl Config {
    /// For the simulator's ports and its demo tenant's app; a listener without TLS for each protocol.
    pub(crate) fn new(sim: &Sim) -> Self {
        let config = Self {
            providers: as_exchange(sim),
            apps: BTreeMap::new(),
            accounts: Vec::new(),
            listeners: Protocol::ALL.map(|protocol| (protocol, "off")).into(),
            at_listeners: String::new(),
            tables: BTreeMap::new(),
        };
        config
            .table("log", "format = \"json\"\nlevel = \"debug\"")
            .table("upstream", "ca_file = \"ca.pem\"\nproxy = \"none\"")
            .table("store", "path = \"tokens\"")
            .table("server", "")
            .app_only(DEMO_APP, Demo::TENANT, Demo::CLIENT_ID, DEMO_SECRET)
    }

    /// The same with one way of TLS upstream for all protocols: `implicit` or `starttls`.
    pub(crate) fn upstream_tls(mut self, sim: &Sim, tls: Tls) -> Self {
        let to = sim.addresses();
        let ports = match tls {
            "implicit" => [to.imap, to.pop3, to.smtps],
            _ => [to.imap_starttls, to.pop3_starttls, to.smtp],
        };
        self.providers = simulator(sim, ports.map(|port| (port, tls)));
        self
    }

    /// The same with an app that proves itself with the client secret in that file.
    pub(crate) fn app_only(self, name: &str, tenant: &str, client_id: &str, secret_file: &str) -> Self {
        let text = format!(
            "tenant = \"{tenant}\"\nclient_id = \"{client_id}\"\nclient_secret_file = \"{secret_file}\"\n\
             scope = \"{}\"\ngrant = \"client_credentials\"",
            Demo::SCOPE
        );
        self.app(name, SIMULATOR, &text)
    }

    /// The same with an app whose tokens a command prints.
    pub(crate) fn app_by_command(self, name: &str, command: &[&str]) -> Self {
        self.app(
            name,
            SIMULATOR,
            &format!("grant = \"command\"\ncommand = {command:?}"),
        )
    }

    /// The same with a provider of that name.
    pub(crate) fn provider(mut self, name: &str, text: &str) -> Self {
        let _ = write!(self.providers, "\n[provider.{name}]\n{text}\n");
        self
    }

    /// The same with an app of a provider.
    pub(crate) fn app(mut self, name: &str, provider: &str, text: &str) -> Self {
        let text = format!("[app.{name}]\npreset = \"{provider}\"\n{text}\n");
        self.apps.insert(name.to_owned(), text);
        self
    }

    /// The same with an account.
    pub(crate) fn account(mut self, account: &Account) -> Self {
        self.accounts.push(account.clone());
        self
    }

    /// The same without an account.
    pub(crate) fn without(mut self, login: &str) -> Self {
        self.accounts.retain(|account| account.login != login);
        self
    }

    /// The same with these listeners instead of the three without TLS.
    pub(crate) fn listeners(mut self, listeners: impl Into<Vec<(Protocol, Tls)>>) -> Self {
        self.listeners = listeners.into();
        self
    }

    /// The same with one more line in every listener.
    pub(crate) fn at_listeners(mut self, line: &str) -> Self {
        self.at_listeners += line;
        self.at_listeners.push('\n');
        self
    }

    /// The same with a table of general settings.
    pub(crate) fn table(mut self, name: &'static str, text: &str) -> Self {
        self.tables.insert(name, text.to_owned());
        self
    }

    /// The file.
    pub(crate) fn text(&self) -> String {
        let mut text = self.providers.clone();
        for (name, entries) in &self.tables {
            let _ = write!(text, "\n[{name}]\n{entries}\n");
            if *name == "server" {
                // Beside the configuration, so that no two tests meet.
                text += "control = \"control/socket\"\n";
            }
        }
        for app in self.apps.values() {
            text = text + "\n" + app;
        }
        for account in &self.accounts {
            text = text + "\n" + &account.text();
        }
        for (protocol, tls) in &self.listeners {
            let _ = write!(
                text,
                "\n[[listener]]\nprotocol = \"{protocol}\"\nbind = \"127.0.0.1:0\"\ntls = \"{tls}\"\n"
            );
            if *tls != "off" {
                text += "certificate = \"listener.pem\"\nkey = \"listener.key\"\n";
            }
            text += &self.at_listeners;
        }
        text
    }
}

/// Exchange Online's own ports: 993, 995 and 587.
fn as_exchange(sim: &Sim) -> String {
    let to = sim.addresses();
    simulator(
        sim,
        [
            (to.imap, "implicit"),
            (to.pop3, "implicit"),
            (to.smtp, "starttls"),
        ],
    )
}

/// The simulator as a provider.
fn simulator(sim: &Sim, ports: [(SocketAddr, Tls); 3]) -> String {
    let mut text = format!("[provider.{SIMULATOR}]\n");
    for (key, path) in [
        ("token_url", "token"),
        ("authorize_url", "authorize"),
        ("device_url", "devicecode"),
    ] {
        let authority = sim.addresses().authority();
        let _ = writeln!(text, "{key} = \"{authority}/{{tenant}}/oauth2/v2.0/{path}\"");
    }
    for (name, (to, tls)) in ["imap", "pop3", "smtp"].into_iter().zip(ports) {
        let _ = write!(
            text,
            "{name} = \"localhost:{}\"\ntls.{name} = \"{tls}\"\n",
            to.port()
        );
    }
    text
}

/// What stands in `[provider.NAME]` of the simulator, with its token and device endpoints at that authority.
pub(crate) fn provider(sim: &Sim, authority: &str) -> String {
    let (to, mut text) = (sim.addresses(), String::new());
    for (key, authority, path) in [
        ("token_url", authority, "token"),
        ("device_url", authority, "devicecode"),
        ("authorize_url", &*to.authority(), "authorize"),
    ] {
        let _ = writeln!(text, "{key} = \"{authority}/{{tenant}}/oauth2/v2.0/{path}\"");
    }
    for (name, to, tls) in [
        ("imap", to.imap, "implicit"),
        ("pop3", to.pop3, "implicit"),
        ("smtp", to.smtp, "starttls"),
    ] {
        let _ = write!(
            text,
            "{name} = \"localhost:{}\"\ntls.{name} = \"{tls}\"\n",
            to.port()
        );
    }
    text
}
