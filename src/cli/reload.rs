//! `saslgate reload`: have the running saslgate read its configuration again, and hear what came of it.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use super::progress::Progress;
use crate::control::{News, Order};

const EXAMPLES: &str = "Examples:
  saslgate reload                       what has changed, in one line
  saslgate check && saslgate reload     see problems in the file first

A running saslgate also reads the configuration again by itself, a moment after a file of it has changed, and on SIGHUP. \
What is wrong with it changes nothing: the old one stays in use.

Exit codes: 0 the file as it is now is in use, 1 it has problems and the old one stays, 2 not done.";

/// What `reload` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReloadArgs {
    #[command(flatten)]
    which: Which,
}

/// Has the configuration read again.
pub(super) fn run(args: ReloadArgs) -> ExitCode {
    operator::run(async move {
        let mut operator = operator::give(&args.which, Order::Reload).await?;
        match Progress::new()
            .hear(&mut operator, "saslgate reads its configuration")
            .await
        {
            Some(News::Reloaded {
                plan,
                warnings,
                generation,
            }) => {
                for warning in warnings.lines() {
                    super::complain(warning);
                }
                let _ = writeln!(anstream::stdout(), "{plan} (configuration {generation})");
                Ok(ExitCode::SUCCESS)
            }
            Some(News::NotReloaded { problems }) => {
                super::complain(&problems);
                super::complain("not reloaded; the old configuration stays in use");
                Ok(ExitCode::from(1))
            }
            Some(News::Refused(trouble)) => Err(operator::refused(&trouble)),
            Some(other) => Err(operator::unexpected(&other)),
            None => Err(operator::hung_up()),
        }
    })
}
