//! `saslgate test`: an account from the clock to an opened mailbox, step by step.

mod told;

use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use super::token::Spoken;
use crate::control::{News, Order};
use told::Told;

const EXAMPLES: &str = "Examples:
  saslgate test alice@contoso.com                     by every protocol that the account has
  saslgate test alice@contoso.com --protocol smtp     up to the recipient: nothing is sent
  saslgate test --all                                 every account, one line for each login that works
  saslgate test --all --json                          for scripts: one line for each step

Nobody logs in and no password is needed; the steps are those of a login. With a running server its listeners are tried too.
What does not work is said once more at the end, above the line that counts.

Exit codes: 0 all works, 1 all works and something should be looked at, or no saslgate is running, 2 something does not work.";

/// What `test` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TestArgs {
    /// The account: what its mail program types as user name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    account: Option<String>,
    /// Every account
    #[arg(long)]
    all: bool,
    /// By this protocol only
    #[arg(long, value_enum)]
    protocol: Option<Spoken>,
    /// One line of JSON for each step
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// Tests.
pub(super) fn run(args: TestArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::Test {
            account: args.account,
            protocol: args.protocol.map(Into::into),
        };
        let (mut operator, absent) = operator::give_or_do(&args.which, order).await?;
        let mut told = Told::new(args.json, args.all);
        loop {
            match told.hear(&mut operator).await {
                Some(News::StepBegun(step)) => told.begun(&step),
                Some(News::Step(step)) => told.ended(&step),
                Some(News::Tested) => break,
                Some(News::Refused(trouble)) => return Err(operator::refused(&trouble)),
                Some(other) => return Err(operator::unexpected(&other)),
                None => return Err(operator::hung_up()),
            }
        }
        if let Some(absent) = absent {
            told.absent(absent.told().await);
        }
        told.summed_up();
        Ok(ExitCode::from(told.code()))
    })
}
