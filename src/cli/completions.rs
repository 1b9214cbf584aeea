//! `saslgate completions`: what a shell needs to complete our commands and options.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

const EXAMPLES: &str = "Examples:
  saslgate completions bash > /etc/bash_completion.d/saslgate
  saslgate completions zsh > /usr/local/share/zsh/site-functions/_saslgate
  saslgate completions fish > ~/.config/fish/completions/saslgate.fish

The Debian package has put them in place already.

Exit codes: 0 printed, 2 no such shell.";

/// What `completions` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub(super) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "saslgate", &mut script);
    // Whoever reads us may stop reading.
    let _ = anstream::stdout().write_all(&script);
    ExitCode::SUCCESS
}
