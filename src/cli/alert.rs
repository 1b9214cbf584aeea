//! `saslgate alert --test`: whether alerts arrive, before one is needed.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use super::progress::Progress;
use crate::control::{News, Order};

const EXAMPLES: &str = "Examples:
  saslgate alert --test     by every way that [alert] of the configuration names

Exit codes: 0 all took it, 1 some did not, 2 not tried.";

/// What `alert` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AlertArgs {
    /// Tell a test alert by every way, and show what came of each
    #[arg(long, required = true)]
    test: bool,
    #[command(flatten)]
    which: Which,
}

/// Has a test alert told.
pub(super) fn run(args: AlertArgs) -> ExitCode {
    operator::run(async move {
        let mut operator = operator::give(&args.which, Order::AlertTest).await?;
        let mut progress = Progress::new();
        let mut code = ExitCode::SUCCESS;
        loop {
            match progress.hear(&mut operator, "an alert is on its way").await {
                Some(News::AlertTried { way, to, trouble }) => {
                    let text = match &trouble {
                        None => format!("ok      {way}: {to}"),
                        Some(trouble) => format!(
                            "failed  {way}: {to}\n        {}\n        why: {}\n        fix: {}",
                            trouble.what, trouble.why, trouble.fix
                        ),
                    };
                    if trouble.is_some() {
                        code = ExitCode::from(1);
                    }
                    let _ = writeln!(anstream::stdout(), "{text}");
                }
                Some(News::AlertsTried) => return Ok(code),
                Some(News::Refused(trouble)) => return Err(operator::refused(&trouble)),
                Some(other) => return Err(operator::unexpected(&other)),
                None => return Err(operator::hung_up()),
            }
        }
    })
}
