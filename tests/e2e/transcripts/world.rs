//! The accounts that transcripts name, each with its own luck upstream.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;

use saslgate::provider::Protocol;
use saslgate::sim::directory::App;
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals, SmtpRefusal};
use saslgate::sim::{Demo, Settings, Sim};

use crate::support::config::{Account, Config};
use crate::support::mailbox;
use crate::support::place::Place;
use crate::support::program::Program;

/// Accounts by the names that transcripts use.
#[derive(Clone)]
pub(super) struct Accounts(Arc<HashMap<&'static str, Account>>);

impl Accounts {
    pub(super) fn named(&self, name: &str) -> Option<&Account> {
        self.0.get(name)
    }
}

/// A simulator and the real program in front of it.
pub(super) struct World {
    _sim: Sim,
    pub(super) gate: Program,
    pub(super) accounts: Accounts,
}

/// Another app of the demo's tenant.
const OTHER_CLIENT_ID: &str = "5a51aa7e-2222-4222-8333-444455556666";

/// TLS modes of listeners.
const MODES: [&str; 4] = ["off", "starttls", "starttls-optional", "implicit"];

impl World {
    pub(super) async fn new() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.exchange().submissions_at_once.set(None);
        sim.directory()
            .add_app(App::new(OTHER_CLIENT_ID, Demo::TENANT).secret("the-secret-of-this-year"));
        let mut accounts = good(&sim);
        accounts.extend(refused(&sim));
        accounts.extend(unlucky(&sim));
        let listeners: Vec<_> = Protocol::ALL
            .into_iter()
            .flat_map(|protocol| MODES.map(|mode| (protocol, mode)))
            .collect();
        let dead = dead_port();
        let config = Config::new(&sim)
            .listeners(listeners)
            .provider("gone", &gone(&sim, dead))
            .app("no-token-endpoint", "gone", &app_only("demo-secret"))
            .provider("asleep", &asleep(&sim, dead))
            .app("no-mail-host", "asleep", &app_only("demo-secret"))
            .app_only("wrong-secret", Demo::TENANT, OTHER_CLIENT_ID, "old-secret")
            .app_by_command("broken-command", &["/bin/sh", "-c", "exit 1"]);
        let config = accounts.values().fold(config, Config::account);
        let place = Place::new(&sim);
        place.write("old-secret", "the-secret-of-last-year");
        // Known to transcripts, not to the configuration.
        accounts.insert("nobody", Account::new("nobody@contoso.onmicrosoft.com"));
        Self {
            gate: Program::start(place, &config).await,
            _sim: sim,
            accounts: Accounts(Arc::new(accounts)),
        }
    }
}

/// Those that get in.
fn good(sim: &Sim) -> HashMap<&'static str, Account> {
    let odd = mailbox(sim, "odd").login;
    let spaces = mailbox(sim, "spaces").login;
    HashMap::from([
        (
            "alice",
            Account::new(Demo::ALICE).line(&format!(
                "logins = [\"alice\"]\nmay_open = [\"{}\"]",
                Demo::SUPPORT
            )),
        ),
        ("bob", Account::new(Demo::BOB)),
        ("odd", Account::chosen(&odd, "p\"w\\ é*{1}")),
        ("spaces", Account::chosen(&spaces, " two  spaces ")),
        // Wrong guesses slow down who makes them: each conversation has a victim of its own.
        ("victim-1", mailbox(sim, "victim-1")),
        ("victim-2", mailbox(sim, "victim-2")),
        ("victim-3", mailbox(sim, "victim-3")),
        (
            "imap-only",
            mailbox(sim, "imap-only").line("protocols = [\"imap\"]"),
        ),
        (
            "elsewhere",
            mailbox(sim, "elsewhere").line("allow_from = [\"192.0.2.0/24\"]"),
        ),
    ])
}

/// Those whom Exchange refuses, by the kind of its no.
fn refused(sim: &Sim) -> HashMap<&'static str, Account> {
    let refused = |name, imap: ImapRefusal, pop3: Pop3Refusal, smtp: SmtpRefusal| {
        let account = mailbox(sim, name);
        sim.directory()
            .mailbox(&account.login)
            .unwrap()
            .refusals
            .set(Refusals {
                imap: Some(imap),
                pop3: Some(pop3),
                smtp: Some(smtp),
                sending: None,
            });
        (name, account)
    };
    HashMap::from([
        refused(
            "token-refused",
            ImapRefusal::Denied,
            Pop3Refusal::Denied,
            SmtpRefusal::Unsuccessful,
        ),
        refused(
            "denied",
            ImapRefusal::Reply("NO [CONTACTADMIN] IMAP is off.".into()),
            Pop3Refusal::Reply("-ERR [SYS/PERM] POP3 is off.".into()),
            SmtpRefusal::TenantDisabled,
        ),
        refused(
            "busy",
            ImapRefusal::Unavailable,
            Pop3Refusal::Unavailable,
            SmtpRefusal::Temporary,
        ),
        refused(
            "not-connected",
            ImapRefusal::NotConnectedBad,
            Pop3Refusal::NotConnected,
            SmtpRefusal::TemporaryServer,
        ),
        refused(
            "too-many",
            ImapRefusal::TooManySessions,
            Pop3Refusal::TooManySessions,
            SmtpRefusal::Locked,
        ),
    ])
}

/// Those whose way upstream is broken.
fn unlucky(sim: &Sim) -> HashMap<&'static str, Account> {
    [
        "no-token-endpoint",
        "no-mail-host",
        "wrong-secret",
        "broken-command",
    ]
    .map(|app| (app, mailbox(sim, app).app(app)))
    .into()
}

fn app_only(secret: &str) -> String {
    format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"{secret}\"\nscope = \"{}\"\n\
         grant = \"client_credentials\"",
        Demo::TENANT,
        Demo::CLIENT_ID,
        Demo::SCOPE
    )
}

/// A provider whose token endpoint is down.
fn gone(sim: &Sim, dead: u16) -> String {
    let to = sim.addresses();
    format!(
        "token_url = \"https://localhost:{dead}/{{tenant}}/token\"\nimap = \"localhost:{}\"\npop3 = \"localhost:{}\"\n\
         smtp = \"localhost:{}\"\ntls = {{ imap = \"implicit\", pop3 = \"implicit\", smtp = \"starttls\" }}",
        to.imap.port(),
        to.pop3.port(),
        to.smtp.port()
    )
}

/// A provider whose mail hosts are down.
fn asleep(sim: &Sim, dead: u16) -> String {
    format!(
        "token_url = \"{}/{{tenant}}/oauth2/v2.0/token\"\nimap = \"localhost:{dead}\"\npop3 = \"localhost:{dead}\"\n\
         smtp = \"localhost:{dead}\"\ntls = {{ imap = \"implicit\", pop3 = \"implicit\", smtp = \"starttls\" }}",
        sim.addresses().authority()
    )
}

/// A port on which nothing listens, and nothing will: ports below the ephemeral range are not given out by chance.
fn dead_port() -> u16 {
    (20_001..32_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
