//! A saslgate with everything that the page can do, and a provider whose every secret is written down.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use saslgate::sim::Demo;
use saslgate::sim::directory::Platform;

use super::known::Secrets;
use super::places::Places;
use crate::http::Browser;
use crate::middleman::Middleman;
use crate::people::{DELEGATED, SECRET, Signing, client_id, free_port, person, registration, text};
use crate::rig::{PASSWORD, stored};
use crate::support::command;
use crate::support::config::{Account, Config, provider};
use crate::support::log::field;
use crate::support::place::Place;
use crate::support::program::Program;

pub(super) const GUESS: &str = "canary-guess-that-is-wrong-1815";

/// What the test has written itself, and the one file that is there to tell a token.
const GIVEN: [&str; 7] = [
    "admin-token",
    "ca.pem",
    "demo-secret",
    "listener.key",
    "listener.pem",
    "saslgate.toml",
    "secret",
];

pub(super) struct World {
    pub(super) signing: Signing,
    pub(super) gate: Program,
    pub(super) config: Config,
    pub(super) port: u16,
    pub(super) health: std::net::SocketAddr,
    /// Signs in by a browser, at an app with a client secret.
    pub(super) grace: Account,
    /// Signs in by code.
    pub(super) dora: Account,
    /// Is opened by the app alone.
    pub(super) alice: Account,
    middleman: Middleman,
    pub(super) secrets: Secrets,
    pub(super) places: Places,
}

impl World {
    pub(super) async fn new(level: &str) -> Self {
        let (signing, port) = (Signing::new(), free_port());
        let sim = &signing.sim;
        let place = Place::new(sim);
        let roots = sim.ca_pem() + &fs::read_to_string(place.path("listener.pem")).unwrap();
        place.write("ca.pem", &roots);
        place.write("secret", SECRET);
        let middleman = Middleman::start(sim, &place).await;
        let callback = format!("http://localhost:{port}/oauth/callback");
        let directory = sim.directory();
        let web = registration(2, Platform::Web, signing.port).secret(SECRET);
        directory.add_app(web.redirect(Platform::Web, callback.clone()));
        let native = registration(3, Platform::Native, signing.port);
        directory.add_app(native.redirect(Platform::Native, callback));
        for id in [2, 3] {
            directory.consent(&client_id(id), Demo::TENANT, None, &DELEGATED);
        }
        let grace = Account::new(&person(sim, "grace")).app("web");
        let dora = Account::new(&person(sim, "dora")).app("device");
        let alice = Account::new(Demo::ALICE);
        let by_code = text(2, "authorization_code", signing.port) + "client_secret_file = \"secret\"\n";
        let config = Config::new(sim)
            .table(
                "log",
                &format!("format = \"json\"\naudit = true\nlevel = \"{level}\""),
            )
            .table("health", "bind = \"127.0.0.1:0\"\naccount_names = true")
            .table(
                "admin",
                &admin(port, &format!("password = \"{}\"", stored(PASSWORD))),
            )
            .provider(
                "watched",
                &provider(sim, &format!("https://localhost:{}", middleman.port)),
            )
            .app("web", "watched", &by_code)
            .app("device", "watched", &text(3, "device_code", signing.port));
        let config = [&grace, &dora, &alice].into_iter().fold(config, Config::account);
        let gate = Program::start(place, &config).await;
        let said = |line: &str| {
            let is_meant = line.contains("answering probes and scrapes");
            field(line, "address").filter(|_| is_meant)?.parse().ok()
        };
        let health = gate.log.find(0, "where probes are answered", said).await;
        let mut secrets = Secrets::default();
        for account in [&grace, &dora, &alice] {
            secrets.add("local password", &account.password);
            secrets.add("local password", account.password.replace('-', ""));
        }
        let text = config.text();
        let quoted = text
            .split('"')
            .filter(|text| text.starts_with("sg1:") || text.starts_with("sg2:"));
        quoted.for_each(|hash| secrets.add("stored password", hash));
        secrets.add("admin password", PASSWORD);
        secrets.add("client_secret", Demo::CLIENT_SECRET);
        secrets.add("wrong password", GUESS);
        Self {
            signing,
            gate,
            config,
            port,
            health,
            grace,
            dora,
            alice,
            middleman,
            secrets,
            places: Places::default(),
        }
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.port)
    }

    /// Everything that a browser was shown.
    pub(super) fn has_seen(&mut self, browser: &mut Browser) {
        for page in browser.seen.drain(..) {
            self.places.page(&page, &mut self.secrets);
        }
    }

    /// What a command says, whatever it thinks of how things stand.
    pub(super) async fn command(&mut self, arguments: &[&str]) {
        let said = command::run(&self.gate.place, arguments).await;
        assert!(said.code.is_some() && !said.output.is_empty(), "{said:?}");
        let name = arguments.join(" ");
        self.places.text(&name, &said.output);
        self.places.text(&name, &said.complaints);
    }

    /// The end of it: what there was, and all that could have been seen of it.
    pub(super) async fn end(mut self) -> (Secrets, Places) {
        let proc = format!("/proc/{}", self.gate.pid.as_raw_nonzero());
        for name in ["cmdline", "environ"] {
            let bytes = fs::read(format!("{proc}/{name}")).unwrap_or_default();
            self.places.bytes(name, bytes);
        }
        self.gate.signal(Signal::TERM);
        self.gate.exit().await;
        let lines = self.gate.log.lines();
        self.places.lines = lines.len();
        assert_eq!(self.gate.log.since(0).len(), lines.len(), "a line is no JSON");
        let (audit, others): (Vec<_>, Vec<_>) = lines
            .into_iter()
            .partition(|line| line.contains("\"target\":\"saslgate::audit\""));
        assert!(audit.len() > 15, "{} audit lines", audit.len());
        self.places.text("the audit lines", &audit.join("\n"));
        self.places.text("the log", &others.join("\n"));
        let output = self.gate.output.lines().join("\n");
        self.places.text("the standard output", &output);
        let kept = on_disk(&self.gate.place.path(""), &mut self.places);
        assert!(
            kept.iter().any(|name| name == "tokens"),
            "no token store: {kept:?}"
        );
        for (kind, secret) in self.middleman.secrets.lock().unwrap().drain(..) {
            self.secrets.add(&kind, secret);
        }
        (self.secrets, self.places)
    }
}

/// `[admin]` at that port.
pub(super) fn admin(port: u16, lines: &str) -> String {
    format!("bind = \"127.0.0.1:{port}\"\n{lines}\n")
}

/// Every file that saslgate has written, by name.
fn on_disk(folder: &Path, places: &mut Places) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (name, kind) = (
            entry.file_name().into_string().unwrap(),
            entry.file_type().unwrap(),
        );
        if kind.is_dir() {
            names.extend(on_disk(&entry.path(), places));
        } else if kind.is_file() && !GIVEN.contains(&&*name) {
            places.bytes(&format!("the file {name}"), fs::read(entry.path()).unwrap());
            names.push(name);
        }
    }
    names
}
