//! `saslgate log`: which level the log has, or another one, while saslgate runs.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use crate::control::{News, Order};

const EXAMPLES: &str = "Examples:
  saslgate log                                  which level holds
  saslgate log debug                            everything that saslgate does
  saslgate log info,saslgate::upstream=debug    one part of it
  saslgate log info                             back

It holds until [log] in the configuration changes or saslgate restarts. No password or token is in the log at any level.

Exit codes: 0 told, 2 not.";

/// What `log` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LogArgs {
    /// error, warn, info, debug, trace, off, or a list of MODULE=LEVEL
    level: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Shows or sets the level.
pub(super) fn run(args: LogArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::Log { level: args.level };
        let mut operator = operator::give(&args.which, order).await?;
        match operator.hear().await {
            Some(News::LogLevel(level)) => {
                let _ = writeln!(anstream::stdout(), "{level}");
                Ok(ExitCode::SUCCESS)
            }
            Some(News::Refused(trouble)) => Err(operator::refused(&trouble)),
            Some(other) => Err(operator::unexpected(&other)),
            None => Err(operator::hung_up()),
        }
    })
}
