//! `saslgate token`: an access token for a program that speaks XOAUTH2 itself.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::operator::{self, Which};
use super::progress::Progress;
use crate::control::{News, Order};
use crate::provider::Protocol;

const EXAMPLES: &str = "Examples:
  saslgate token alice@contoso.com                     the token alone, for a program's password command
  saslgate token alice@contoso.com --protocol smtp     of the app that sends

mutt:   set imap_oauth_refresh_command = \"saslgate token alice@contoso.com\"
isync:  PassCmd \"saslgate token alice@contoso.com\"   (AuthMechs XOAUTH2)

The app needs token_export = true. Each token that is given away is in the log.

Exit codes: 0 printed, 2 not.";

/// What `token` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TokenArgs {
    /// The account
    account: String,
    /// For which protocol
    #[arg(long, value_enum, default_value = "imap")]
    protocol: Spoken,
    #[command(flatten)]
    which: Which,
}

/// A protocol as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Spoken {
    Imap,
    Pop3,
    Smtp,
}

impl From<Spoken> for Protocol {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::Imap => Self::Imap,
            Spoken::Pop3 => Self::Pop3,
            Spoken::Smtp => Self::Smtp,
        }
    }
}

/// Prints a token.
pub(super) fn run(args: TokenArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::Token {
            account: args.account,
            protocol: args.protocol.into(),
        };
        let mut operator = operator::give(&args.which, order).await?;
        match Progress::new().hear(&mut operator, "saslgate gets a token").await {
            Some(News::Token(token)) => {
                let mut out = anstream::stdout();
                let written = out
                    .write_all(token.0.expose().as_bytes())
                    .and_then(|()| out.write_all(b"\n"));
                Ok(if written.is_ok() {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(2)
                })
            }
            Some(News::Refused(trouble)) => Err(operator::refused(&trouble)),
            Some(other) => Err(operator::unexpected(&other)),
            None => Err(operator::hung_up()),
        }
    })
}
