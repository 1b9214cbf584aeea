//! The simulated Microsoft 365 alone, in a process of its own: for measurements, and for a saslgate of one's own.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::raw;
use crate::account::password::{GeneratedPassword, PasswordHash};
use crate::sim::certificates::CertificateChoice;
use crate::sim::directory::Person;
use crate::sim::entra::Rotation;
use crate::sim::exchange::AfterLogin;
use crate::sim::tls::{TlsSettings, TlsVersions};
use crate::sim::{self, Demo, Sim};

/// How the simulator is to be when it stands alone.
#[derive(Args)]
#[group(id = "simulator")]
pub(super) struct SimulatorArgs {
    /// Show an RSA leaf and intermediate, as Exchange does, instead of one ECDSA certificate
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    rsa_chain: bool,
    /// Speak only this version of TLS
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    tls: Option<Version>,
    /// Exchange keys with X25519 only
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    x25519_only: bool,
    /// Resume no TLS session
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    no_tickets: bool,
    /// Forget the messages that are sent, and all but the first that are put into a folder
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    forget_mail: bool,
    /// What happens to a refresh token when it is exchanged
    #[arg(
        long,
        requires = "simulator_only",
        hide_short_help = true,
        value_enum,
        default_value_t
    )]
    rotation: Rotates,
    /// Seconds that access tokens last
    #[arg(
        long,
        requires = "simulator_only",
        hide_short_help = true,
        value_name = "SECONDS"
    )]
    token_lifetime: Option<u64>,
    /// Open no mailbox after a login, but give and take bytes as a line asks for it (see src/cli/demo/raw.rs)
    #[arg(long, requires = "simulator_only", hide_short_help = true)]
    raw: bool,
    /// Further people of the tenant, each with a mailbox
    #[arg(
        long,
        requires = "simulator_only",
        hide_short_help = true,
        value_name = "NAME",
        value_delimiter = ','
    )]
    people: Vec<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, ValueEnum)]
enum Version {
    /// TLS 1.2
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3
    #[value(name = "1.3")]
    Tls13,
}

/// What happens to refresh tokens.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Rotates {
    /// The old one goes on working, as at Entra
    #[default]
    KeepsOld,
    /// Whoever brings the old one again ends the sign-in
    Strict,
    /// There is never another one
    Never,
}

impl SimulatorArgs {
    fn settings(&self) -> sim::Settings {
        sim::Settings {
            tls: TlsSettings {
                certificate: if self.rsa_chain {
                    CertificateChoice::RsaChain
                } else {
                    CertificateChoice::Ecdsa
                },
                versions: match self.tls {
                    None => TlsVersions::Both,
                    Some(Version::Tls12) => TlsVersions::Only12,
                    Some(Version::Tls13) => TlsVersions::Only13,
                },
                resumption: !self.no_tickets,
                x25519_only: self.x25519_only,
            },
            ..sim::Settings::default()
        }
    }
}

/// Prints where everything is, as one line of JSON; then answers each line of standard input with one of counts.
pub(super) async fn run(args: &SimulatorArgs) -> io::Result<()> {
    let sim = Sim::start(args.settings())?;
    let exchange = sim.exchange();
    exchange.keeps_messages.set(!args.forget_mail);
    sim.entra().rotation.set(match args.rotation {
        Rotates::KeepsOld => Rotation::KeepsOld,
        Rotates::Strict => Rotation::Strict,
        Rotates::Never => Rotation::Never,
    });
    if let Some(seconds) = args.token_lifetime {
        sim.entra().tokens.change(|shape| shape.lifetime = seconds);
    }
    for name in &args.people {
        let address = format!("{name}@{}", Demo::DOMAIN);
        let person = Person::new(&address).password(Demo::PASSWORD);
        sim.directory().add_person(person);
        sim.directory()
            .add_mailbox(&address)
            .deliver("Subject: It works\r\n\r\nHello\r\n");
    }
    if args.raw {
        let (sender, logged_in) = mpsc::channel(1);
        exchange.after_login.set(AfterLogin::HandOver(sender));
        tokio::spawn(raw::play_all(logged_in));
    }
    print(&introduction(&sim)?)?;
    let mut questions = questions();
    loop {
        tokio::select! {
            Some(()) = questions.recv() => print(&counts(&sim))?,
            stop = tokio::signal::ctrl_c() => return stop,
        }
    }
}

/// One for each line of standard input; without one there is nobody who asks.
fn questions() -> mpsc::Receiver<()> {
    let (sender, questions) = mpsc::channel(1);
    std::thread::spawn(move || {
        for _ in io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    questions
}

/// Everything that a configuration needs, a password for it included.
fn introduction(sim: &Sim) -> io::Result<Value> {
    let (password, hash) = GeneratedPassword::make().map_err(io::Error::other)?;
    let to = sim.addresses();
    Ok(json!({
        "entra": to.authority(), "tenant": Demo::TENANT, "client_id": Demo::CLIENT_ID, "client_secret": Demo::CLIENT_SECRET,
        "scope": Demo::SCOPE, "redirect_uri": Demo::REDIRECT_URI, "public_client_id": Demo::PUBLIC_CLIENT_ID,
        "delegated_scope": Demo::DELEGATED_SCOPE, "person_password": Demo::PASSWORD, "machine": to.machine,
        "imap": to.imap, "imap_starttls": to.imap_starttls, "pop3": to.pop3, "pop3_starttls": to.pop3_starttls,
        "smtp": to.smtp, "smtps": to.smtps,
        "mailboxes": [Demo::ALICE, Demo::BOB, Demo::SUPPORT], "password": password.text(),
        "password_hash": PasswordHash::Generated(hash).stored(), "ca": sim.ca_pem(),
    }))
}

fn counts(sim: &Sim) -> Value {
    let counts = sim.exchange().counts();
    json!({
        "accepted": counts.accepted, "open": counts.open, "tls_full": counts.tls_full, "tls_resumed": counts.tls_resumed,
        "logins_ok": counts.logins_ok, "logins_refused": counts.logins_refused,
        "token_requests": sim.entra().request_count(), "refreshes": sim.entra().requests_of("refresh_token"),
        "refresh_reuses": sim.entra().refresh_reuses(), "visits": sim.entra().visits().len(),
    })
}

/// One line at a time, whoever prints.
pub(super) fn print(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
