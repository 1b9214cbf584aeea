//! `saslgate status`: how every account stands.

mod text;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::operator::{self, Which};
use super::progress::Progress;
use crate::account::state::State;
use crate::control::{AccountStatus, Expiry, News, Order, Status, StoreStatus, WrongPasswords};
use crate::name;

const EXAMPLES: &str = "Examples:
  saslgate status                       every account, and what is wrong with its fix
  saslgate status --problems            only what is not ready or was shown a wrong password, and how many there are
  saslgate status alice@contoso.com     one account
  saslgate status --json                for scripts and monitoring

States: ready, waiting (may pass by itself), needs sign-in, needs admin, off (no password). What is wrong stands last, the worst \
right above the line that counts. A wrong password that a mail client shows changes no state, and is told.

Exit codes, as Nagios reads them: 0 all ready, 1 something waits or ends soon, or the configuration was refused, or no saslgate is running, 2 somebody has to act; 3 unknown.";

/// How long a wrong password is a problem, in seconds: a mail client that still has it comes more often.
const A_DAY: u64 = 24 * 60 * 60;

/// What `status` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusArgs {
    /// Only this account
    account: Option<String>,
    /// Only what is not ready, or ends soon
    #[arg(long)]
    problems: bool,
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
        let (mut operator, absent) = operator::give_or_do(&args.which, Order::Status)
            .await
            .map_err(unknown)?;
        let news = Progress::new()
            .hear(&mut operator, "saslgate looks at every account")
            .await;
        let mut status = match news {
            Some(News::Status(status)) => status,
            Some(other) => return Err(unknown(operator::unexpected(&other))),
            None => return Err(unknown(operator::hung_up())),
        };
        if let Some(name) = &args.account {
            only(&mut status, name).map_err(unknown)?;
        }
        let (code, count) = (code(&status), text::count(&status.accounts));
        if args.problems {
            only_problems(&mut status);
        }
        let shown = if args.json {
            json(&status)
        } else {
            let absent = match &absent {
                Some(absent) => Some(absent.told().await),
                None => None,
            };
            text::of(&status, &count, absent.as_ref())
        };
        let code = code.max(u8::from(absent.is_some()));
        let _ = anstream::stdout().write_all(shown.as_bytes());
        Ok(ExitCode::from(code))
    })
}

/// Leaves one account.
fn only(status: &mut Status, name: &str) -> Result<(), ExitCode> {
    let known: Vec<_> = status
        .accounts
        .iter()
        .map(|account| account.account.clone())
        .collect();
    status
        .accounts
        .retain(|account| account.account.eq_ignore_ascii_case(name));
    if !status.accounts.is_empty() {
        return Ok(());
    }
    let shown = name::shown(name.as_bytes(), name::MAX_NAME);
    let fix = match name::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "`saslgate status` lists them".to_owned(),
    };
    Err(operator::failed(&format!("no account is called {shown}; {fix}")))
}

/// Leaves what somebody should look at.
fn only_problems(status: &mut Status) {
    status
        .accounts
        .retain(|account| account.state != State::Ready || is_mistyped(account));
    status.expiries.retain(|expiry| of_expiry(expiry) > 0);
    status.orphans.clear();
    if status.store.as_ref().is_some_and(is_well) {
        status.store = None;
    }
}

/// Whether a mail client showed a wrong password in the last day, and no right one since.
fn is_mistyped(account: &AccountStatus) -> bool {
    let lately = |wrong: &WrongPasswords| left(wrong.last + A_DAY).is_some();
    account.wrong_passwords.iter().any(lately)
}

fn is_well(store: &StoreStatus) -> bool {
    store.trouble.is_none()
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
    let store = u8::from(status.store.as_ref().is_some_and(|store| !is_well(store)));
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
        Some(_) if left(expiry.told_from).is_none() => 1,
        Some(_) => 0,
    }
}

/// How long until a moment; none if it has passed.
fn left(at: u64) -> Option<Duration> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    at.duration_since(SystemTime::now()).ok()
}
