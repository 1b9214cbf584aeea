//! `saslgate sign-out`: saslgate forgets a sign-in.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use crate::control::{News, Order};

const EXAMPLES: &str = "Examples:
  saslgate sign-out alice@contoso.com               forget the sign-in, end its sessions
  saslgate sign-out alice@contoso.com --app send    of one app only

The consent stays at Microsoft: https://myapps.microsoft.com (the person), or entra.microsoft.com > Enterprise apps >
the app > Permissions (an administrator).

Exit codes: 0 forgotten, 2 not.";

/// What `sign-out` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SignOutArgs {
    /// The account
    account: String,
    /// Which app, where the account uses several
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Signs out.
pub(super) fn run(args: SignOutArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::SignOut {
            account: args.account,
            app: args.app,
        };
        let mut operator = operator::give(&args.which, order).await?;
        match operator.hear().await {
            Some(News::SignedOut {
                account,
                sessions,
                apps,
            }) => {
                if apps.is_empty() {
                    let text = format!(
                        "The link to sign in for {account} is good for nothing any more. Nobody was signed in."
                    );
                    let _ = writeln!(anstream::stdout(), "{text}");
                    return Ok(ExitCode::SUCCESS);
                }
                let text = format!(
                    "{account} is signed out (app {}); sessions ended: {sessions}.\n\
                     saslgate's copy is deleted. The consent stays at the provider until it is withdrawn there:\n  \
                     the person: https://myapps.microsoft.com (Google: https://myaccount.google.com/connections)\n  \
                     an administrator: entra.microsoft.com > Entra ID > Enterprise apps > the app > Permissions",
                    apps.join(", ")
                );
                let _ = writeln!(anstream::stdout(), "{text}");
                Ok(ExitCode::SUCCESS)
            }
            Some(News::Refused(trouble)) => Err(operator::refused(&trouble)),
            Some(other) => Err(operator::unexpected(&other)),
            None => Err(operator::hung_up()),
        }
    })
}
