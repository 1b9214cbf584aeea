//! `saslgate check`: everything that is wrong with a configuration, or what it would do.
//!
//! Exit codes: 0 if it is sound, 1 if there are only warnings, 2 if it cannot be used.

mod app;
mod exposed;
mod imported;
mod stored;
mod telling;

use std::fmt::{self, Display};
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ipnet::IpNet;

use super::paint::{Mood, paint};
use super::{WHERE, nowhere, origin};
use crate::account::{Account, Passwords, Pattern};
use crate::config::{Config, Environment, Origin, Problems, System, read, report};
use crate::listener::{Settings, TlsMode};
use crate::provider::Protocol;
use exposed::Exposed;
use telling::Telling;

/// More lines of one kind than this are counted, not shown.
const SHOWN: usize = 100;

const EXAMPLES: &str = "Examples:
  saslgate check                     /etc/saslgate/saslgate.toml
  saslgate check --config my.toml    another file
  saslgate check --exposed           what can be reached, from where, and who gets in

Exit codes: 0 sound, 1 usable with warnings, 2 cannot be used.";

/// What `check` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", help = WHERE)]
    config: Option<PathBuf>,

    /// Show what can be reached, from where, and who gets in there
    #[arg(long)]
    exposed: bool,

    /// The same as JSON, for programs
    #[arg(long, requires = "exposed")]
    json: bool,
}

/// Checks a configuration and says what it found on standard output.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let origin = origin(args.config.as_deref());
    let (mut said, code) = said(&origin, &System, |config| found(config, args));
    if let Some(where_to_look) = nowhere(&origin) {
        said = said + &where_to_look + "\n";
    }
    // Whoever reads us may stop reading; the exit code still tells.
    let _ = anstream::stdout().write_all(said.as_bytes());
    ExitCode::from(code)
}

/// What it says of a file to whoever has just written that, and its exit code.
pub(super) fn say(path: &Path, environment: &dyn Environment) -> (String, u8) {
    said(&Origin::File(path.to_owned()), environment, summed_up)
}

fn said(
    origin: &Origin,
    environment: &dyn Environment,
    sound: impl FnOnce(&Config) -> String,
) -> (String, u8) {
    match read(origin, environment).0 {
        Ok(mut config) => {
            stored::note(&mut config);
            told_of(&config, sound)
        }
        Err(problems) => (format!("{}{}", shown(&problems), Verdict(&problems)), 2),
    }
}

/// What is told of one without errors, and of what it promises that is not there.
fn told_of(config: &Config, sound: impl FnOnce(&Config) -> String) -> (String, u8) {
    match imported::missing(config) {
        Some(missing) if missing.is_error => (missing.text, 2),
        Some(missing) => (sound(config) + &missing.text, 1),
        None => (sound(config), u8::from(!config.warnings.list.is_empty())),
    }
}

/// What is told of a configuration that can be used.
fn found(config: &Config, args: &CheckArgs) -> String {
    match (args.exposed, args.json) {
        (false, _) => summed_up(config),
        (true, false) => format!("{}{}", shown(&config.warnings), Exposed::of(config)),
        (true, true) => Exposed::of(config).json(),
    }
}

/// What would run, which can be long; behind it, so that it stands on the last screen, what should be looked at.
fn summed_up(config: &Config) -> String {
    let warnings = &config.warnings;
    format!("{}{}{}", Summary(config), shown(warnings), Verdict(warnings))
}

/// Problems with their source lines on a terminal, one a line for scripts.
fn shown(problems: &Problems) -> String {
    if io::stdout().is_terminal() {
        return report::snippets(problems);
    }
    if problems.list.is_empty() {
        return String::new();
    }
    format!("{problems}\n")
}

/// One line: how many problems there are.
struct Verdict<'a>(&'a Problems);

impl Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problems {
            file,
            errors,
            warnings,
            ..
        } = self.0;
        match (errors, warnings) {
            (0, 0) => writeln!(f, "{file} {}", paint(Mood::Good, "is sound")),
            (0, _) => writeln!(
                f,
                "{file} {}; warnings: {warnings}",
                paint(Mood::Fair, "can be used")
            ),
            (_, 0) => writeln!(
                f,
                "{file} {}; errors: {errors}",
                paint(Mood::Bad, "cannot be used")
            ),
            _ => writeln!(
                f,
                "{file} {}; errors: {errors}, warnings: {warnings}",
                paint(Mood::Bad, "cannot be used")
            ),
        }
    }
}

/// What would run.
struct Summary<'a>(&'a Config);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config {
            listeners,
            accounts,
            apps,
            ..
        } = self.0;
        section(f, "Listeners", listeners.iter().map(listener))?;
        section(f, "Accounts", accounts.iter().map(account))?;
        let apps = app::gathered(apps, accounts);
        section(f, "Apps", apps.iter().map(ToString::to_string))?;
        Telling(self.0).fmt(f)
    }
}

fn section(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> fmt::Result {
    let count = lines.len();
    writeln!(f, "{title}: {count}")?;
    for line in lines.take(SHOWN) {
        writeln!(f, "  {line}")?;
    }
    if count > SHOWN {
        writeln!(f, "  and {} more", count - SHOWN)?;
    }
    writeln!(f)
}

fn listener(settings: &Settings) -> String {
    let Settings {
        protocol,
        bind,
        tls,
        plaintext_from,
        allow_from,
        proxy_from,
        passwords,
        devices,
        identity: _,
        files: _,
    } = settings;
    let plain = || joined(plaintext_from, ", ");
    let tls = match tls {
        TlsMode::Off => format!("no TLS, logins from {}", plain()),
        TlsMode::StartTls => "STARTTLS before a login".to_owned(),
        TlsMode::StartTlsOptional => format!("STARTTLS, without it logins from {}", plain()),
        TlsMode::Implicit => "TLS from the first byte".to_owned(),
    };
    let reach = reach(bind, allow_from);
    let through = match proxy_from.as_slice() {
        [] => String::new(),
        balancers => format!("  through {}", joined(balancers, ", ")),
    };
    let generated = match passwords {
        Passwords::Any => "",
        Passwords::Generated => "  generated passwords only",
    };
    let devices = match devices.entries().len() {
        0 => String::new(),
        count => format!("  devices: {count}"),
    };
    format!(
        "{protocol}  {}  {tls}{reach}{through}{generated}{devices}",
        joined(bind, " ")
    )
}

/// From where an address can be reached; nothing where that is this machine alone.
fn reach(bind: &[SocketAddr], allow_from: &[IpNet]) -> String {
    let is_here = bind.iter().all(|address| address.ip().is_loopback());
    match (is_here, allow_from.is_empty()) {
        (false, true) => "  reachable from every network that leads here".to_owned(),
        (false, false) => format!("  reachable from {} only", joined(allow_from, ", ")),
        (true, _) => only_from(allow_from),
    }
}

fn account(account: &Account) -> String {
    let mailbox = match (&account.mailbox, &account.name) {
        (Some(mailbox), _) => format!("opens {mailbox}"),
        (None, Pattern::Login(login)) => format!("opens {login}"),
        (None, Pattern::Domain(domain)) => format!("opens any mailbox of {domain}"),
    };
    let owner = account
        .signs_in_as
        .as_ref()
        .map_or(String::new(), |owner| format!(" with the token of {owner}"));
    let ways: Vec<_> = Protocol::ALL
        .iter()
        .filter_map(|protocol| Some((protocol, account.routes.get(protocol)?)))
        .map(|(protocol, route)| format!("{protocol} by \"{}\"", route.app.name))
        .collect();
    let passwords = match account.passwords.len() {
        0 if account.imported => "passwords: imported".to_owned(),
        0 => "passwords: the provider's".to_owned(),
        local if account.upstream_password.is_some() => {
            format!("passwords: {local}, and one for the provider")
        }
        local if account.imported => format!("passwords: {local}, and an imported one"),
        local => format!("passwords: {local}"),
    };
    let watch = if account.watch { "" } else { "  not watched" };
    let notices = if account.notify_in_client {
        "  notices in the mail program"
    } else {
        ""
    };
    format!(
        "{}  {mailbox}{owner}  {}  {passwords}{watch}{notices}{}",
        account.name,
        ways.join(", "),
        only_from(&account.allow_from)
    )
}

fn only_from<T: ToString>(networks: &[T]) -> String {
    if networks.is_empty() {
        return String::new();
    }
    format!("  only from {}", joined(networks, ", "))
}

fn joined<T: ToString>(things: &[T], between: &str) -> String {
    things
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(between)
}
