//! `saslgate trace`: an account's next login as a conversation, secrets masked.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use super::operator::{self, Which};
use crate::cli::complain;
use crate::control::{News, Operator, Order, TraceEnd, Voice};

const EXAMPLES: &str = "Examples:
  saslgate trace support@contoso.com                  wait for its next login, print it, end
  saslgate trace support@contoso.com --timeout 3600   wait for up to an hour

C: the mail client    S: saslgate to the mail client    U> saslgate to upstream    U< upstream

It begins with the first byte of the connection, which has to be made after this command, and ends with the login; what is said after
that is nobody's business. Passwords, tokens and SASL responses are masked, and so are user names that are no account's. A login with
a wrong password is printed too. That a trace was taken is in the log.

Exit codes: 0 logged in, 1 refused, or nobody came, 2 not done.";

/// What `trace` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TraceArgs {
    /// The account: what the mail client types
    account: String,
    /// How long to wait for a login, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    which: Which,
}

/// Prints the next login.
pub(super) fn run(args: TraceArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::Trace {
            account: args.account,
        };
        let mut operator = operator::give(&args.which, order).await?;
        let patience = Duration::from_secs(args.timeout);
        let printed = timeout(patience, print(&mut operator)).await;
        printed.unwrap_or_else(|_| {
            complain(&format!("no login was over within {} seconds", args.timeout));
            Err(ExitCode::from(1))
        })
    })
}

async fn print(operator: &mut Operator) -> Result<ExitCode, ExitCode> {
    let mut out = anstream::stdout();
    loop {
        let told = match operator.hear().await {
            Some(News::Tracing { account }) => {
                complain(&format!(
                    "waiting for the next login of {account}; Ctrl-C ends it"
                ));
                continue;
            }
            Some(News::TraceOf {
                session,
                peer,
                protocol,
            }) => tell(&mut out, &format!("# {protocol} from {peer}, session {session}")),
            Some(News::Heard { voice, line }) => tell(&mut out, &format!("{} {line}", mark(voice))),
            Some(News::Traced(end)) => return Ok(ended(&mut out, end)),
            Some(News::Refused(trouble)) => return Err(operator::refused(&trouble)),
            Some(other) => return Err(operator::unexpected(&other)),
            None => return Err(operator::hung_up()),
        };
        // Nobody reads on.
        told.map_err(|_| ExitCode::from(2))?;
    }
}

const fn mark(voice: Voice) -> &'static str {
    match voice {
        Voice::MailClient => "C:",
        Voice::ToMailClient => "S:",
        Voice::ToUpstream => "U>",
        Voice::Upstream => "U<",
    }
}

fn ended(out: &mut impl Write, end: TraceEnd) -> ExitCode {
    let (code, lines) = match end {
        TraceEnd::LoggedIn => (0, "# logged in".to_owned()),
        TraceEnd::Refused(trouble) => (
            1,
            format!(
                "# refused: {}\n#   why: {}\n#   fix: {}",
                trouble.what, trouble.why, trouble.fix
            ),
        ),
        TraceEnd::Gone => (
            1,
            "# the connection was gone before the login was over".to_owned(),
        ),
    };
    let _ = tell(out, &lines);
    ExitCode::from(code)
}

fn tell(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}")
}
