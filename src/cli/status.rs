//! `saslgate status`: how every account stands.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::operator::{self, Which};
use crate::account::state::State;
use crate::control::{
    AccountStatus, ConfigurationStatus, Expiry, News, Order, Orphan, ProtocolStatus, SignedIn, Status,
    StoreStatus, TroubleTold,
};

const EXAMPLES: &str = "Examples:
  saslgate status                       every account, and what is wrong with its fix
  saslgate status alice@contoso.com     one account
  saslgate status --json                for scripts and monitoring

States: ready, waiting (may pass by itself), needs sign-in, needs admin, off (no password).

Exit codes, as Nagios reads them: 0 all ready, 1 something waits or ends soon or the configuration was refused, 2 somebody has to act; 3 unknown.";

/// How soon an end is worth a warning: a new client secret can need another person.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What `status` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusArgs {
    /// Only this account
    account: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// Shows how everything stands.
pub(super) fn run(args: StatusArgs) -> ExitCode {
    operator::run(async move {
        let unknown = |_| ExitCode::from(3);
        let mut operator = operator::give(&args.which, Order::Status)
            .await
            .map_err(unknown)?;
        let mut status = match operator.hear().await {
            Some(News::Status(status)) => status,
            Some(other) => return Err(unknown(operator::unexpected(&other))),
            None => return Err(unknown(operator::hung_up())),
        };
        if let Some(name) = &args.account {
            status
                .accounts
                .retain(|account| account.account.eq_ignore_ascii_case(name));
            if status.accounts.is_empty() {
                operator::failed(&format!(
                    "no account is called {name}; `saslgate status` lists them"
                ));
                return Err(ExitCode::from(3));
            }
        }
        let shown = if args.json { json(&status) } else { text(&status) };
        let _ = anstream::stdout().write_all(shown.as_bytes());
        Ok(ExitCode::from(code(&status)))
    })
}

fn json(status: &Status) -> String {
    serde_json::to_string_pretty(status).map_or_else(|_| String::new(), |text| text + "\n")
}

fn code(status: &Status) -> u8 {
    let of_account = |account: &AccountStatus| match account.state {
        State::Ready | State::Off => 0,
        State::Waiting => 1,
        State::NeedsSignIn | State::NeedsAdmin => 2,
    };
    let worst = status.accounts.iter().map(of_account).max().unwrap_or(0);
    let store = u8::from(status.store.as_ref().is_some_and(|store| store.trouble.is_some()));
    let expiry = status.expiries.iter().map(of_expiry).max().unwrap_or(0);
    let refused = status
        .configuration
        .as_ref()
        .is_some_and(|now| now.refused.is_some());
    worst.max(store).max(expiry).max(u8::from(refused))
}

fn of_expiry(expiry: &Expiry) -> u8 {
    match left(expiry.at) {
        None => 2,
        Some(left) if left < SOON => 1,
        Some(_) => 0,
    }
}

/// How long until a moment; none if it has passed.
fn left(at: u64) -> Option<Duration> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    at.duration_since(SystemTime::now()).ok()
}

fn text(status: &Status) -> String {
    let mut text = String::new();
    let running = match status.running_since {
        Some(since) => format!("running for {}", ago(since)),
        None => "no saslgate is running with this configuration (`saslgate run` starts one): only what is on the disk is known".into(),
    };
    let _ = writeln!(text, "saslgate {}, {running}", status.version);
    if let Some(configuration) = &status.configuration {
        of_configuration(&mut text, configuration);
    }
    for account in &status.accounts {
        of_account(&mut text, account);
    }
    if let Some(store) = &status.store {
        of_store(&mut text, store);
    }
    for orphan in &status.orphans {
        of_orphan(&mut text, orphan);
    }
    for expiry in &status.expiries {
        let _ = match left(expiry.at) {
            None => writeln!(text, "\n{} has ended. Fix: {}", expiry.what, expiry.fix),
            Some(left) if left < SOON => {
                let days = left.as_secs() / 86_400;
                writeln!(text, "\n{} ends in {days} days. Fix: {}", expiry.what, expiry.fix)
            }
            Some(left) => writeln!(text, "\n{} ends in {} days", expiry.what, left.as_secs() / 86_400),
        };
    }
    text
}

fn of_configuration(text: &mut String, configuration: &ConfigurationStatus) {
    let ConfigurationStatus {
        generation,
        since,
        refused,
    } = configuration;
    let _ = writeln!(text, "configuration {generation}, in use for {}", ago(*since));
    if let Some(problems) = refused {
        let _ = writeln!(text, "  what is in the file now is NOT in use:");
        for line in problems.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
}

fn of_account(text: &mut String, account: &AccountStatus) {
    let sessions = match account.sessions {
        0 => String::new(),
        one => format!(", sessions: {one}"),
    };
    let _ = writeln!(text, "\n{}  {}{sessions}", account.account, account.state);
    for sign_in in &account.sign_ins {
        of_sign_in(text, sign_in);
    }
    // The same trouble in three protocols is one to read.
    let mut told: Vec<&TroubleTold> = Vec::new();
    for protocol in &account.protocols {
        let _ = writeln!(text, "  {}", of_protocol(protocol));
        if let Some(trouble) = protocol
            .trouble
            .as_ref()
            .filter(|trouble| !told.contains(trouble))
        {
            told.push(trouble);
            of_trouble(text, trouble);
        }
    }
}

fn of_protocol(protocol: &ProtocolStatus) -> String {
    let ProtocolStatus {
        protocol: name,
        app,
        host,
        state,
        last_login,
        token_seconds,
        ..
    } = protocol;
    let login = last_login.map_or("no login yet".into(), |at| format!("last login {} ago", ago(at)));
    let token = token_seconds.map_or(String::new(), |seconds| {
        format!(", token for {} min", seconds / 60)
    });
    format!("{name:<5} {state}, {login}{token}  (app \"{app}\", {host})")
}

fn of_sign_in(text: &mut String, sign_in: &SignedIn) {
    let Some(since) = sign_in.signed_in else {
        return;
    };
    let who = sign_in.owner.as_deref().unwrap_or(&sign_in.expected);
    let renewed = sign_in
        .refreshed
        .map_or(String::new(), |at| format!(", renewed {} ago", ago(at)));
    let _ = writeln!(
        text,
        "  signed in as {who} {} ago{renewed} (app \"{}\")",
        ago(since),
        sign_in.app
    );
    if !sign_in.permissions.is_empty() {
        let short: Vec<_> = sign_in
            .permissions
            .iter()
            .map(|scope| scope.rsplit('/').next().unwrap_or(scope))
            .collect();
        let _ = writeln!(text, "  permissions: {}", short.join(", "));
    }
}

fn of_trouble(text: &mut String, trouble: &TroubleTold) {
    let code = trouble
        .code
        .as_deref()
        .map_or(String::new(), |code| format!(" [{code}]"));
    let _ = writeln!(text, "    what: {}{code}", trouble.what);
    let _ = writeln!(text, "    why:  {}", trouble.why);
    let _ = writeln!(text, "    fix:  {}", trouble.fix);
}

fn of_store(text: &mut String, store: &StoreStatus) {
    let unsaved = match store.unsaved.len() {
        0 => String::new(),
        many => format!(", not saved: {many} ({})", store.unsaved.join(", ")),
    };
    let _ = writeln!(text, "\ntoken store {}{unsaved}", store.path);
    if let Some(trouble) = &store.trouble {
        of_trouble(text, trouble);
    }
}

fn of_orphan(text: &mut String, orphan: &Orphan) {
    let who = orphan
        .owner
        .as_deref()
        .map_or(String::new(), |owner| format!(", signed in as {owner}"));
    let _ = writeln!(
        text,
        "\nnobody uses the sign-in of {} (app \"{}\"{who}): put the account back into the configuration, or leave it: nothing reads it",
        orphan.account, orphan.app
    );
}

/// How long ago, in the largest unit that fits.
fn ago(at: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    let seconds = SystemTime::now().duration_since(at).unwrap_or_default().as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
