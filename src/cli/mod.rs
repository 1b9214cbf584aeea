//! The command line: one command, one file.

mod alert;
mod certs;
mod check;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod health;
mod import;
mod log;
mod man;
mod operator;
mod paint;
mod password;
mod progress;
mod reload;
mod run;
mod setup;
mod sign_in;
mod sign_out;
mod status;
mod test;
mod token;
mod trace;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::{Environment as _, Origin, System};

/// What `--config` is, and what counts without it.
const WHERE: &str = "The configuration; without it $SASLGATE_CONFIG, /etc/saslgate/saslgate.toml, ~/.config/saslgate/saslgate.toml";

const ABOUT: &str = "Lets old mail software log in to Exchange Online with a user name and a password.";

const LONG_ABOUT: &str = "Lets old mail software log in to Exchange Online with a user name and a password.

saslgate listens for plain IMAP, POP3 and SMTP logins, checks them locally, gets an access token, logs in upstream \
with SASL XOAUTH2 over TLS, and relays the session byte for byte.";

const EXAMPLES: &str =
    "  saslgate setup                     a few questions, a configuration, and what to do at Microsoft
  saslgate password                  make a password for a mail program, and the line for the configuration
  saslgate import emailproxy FILE    take over email-oauth2-proxy; mail clients keep their passwords
  saslgate check --config my.toml    every problem of a configuration, with its fix
  saslgate run --config my.toml      serve
  saslgate sign-in ACCOUNT           where people have to allow it once
  saslgate test ACCOUNT              from the clock to an opened mailbox, step by step; nothing is sent
  saslgate status                    how every account stands
  saslgate reload                    take what has changed in the configuration; it also happens by itself
  saslgate trace ACCOUNT             its next login as a conversation, secrets masked

Each command has examples and its exit codes in `saslgate COMMAND --help`. Colours are for terminals; NO_COLOR=1 turns them off.";

/// What to type first. Containers and packages come without the simulator.
fn examples() -> String {
    let demo = if cfg!(feature = "demo") {
        "  saslgate demo                      see it work against a simulated Microsoft 365, nothing to configure\n"
    } else {
        ""
    };
    format!("Start here:\n{demo}{EXAMPLES}")
}

#[derive(Parser)]
#[command(name = "saslgate", version, about = ABOUT, long_about = LONG_ABOUT, after_help = examples())]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a few questions, write the configuration, say what is left to do
    Setup(setup::SetupArgs),
    /// Serve mail clients
    Run(run::RunArgs),
    /// Show every problem of a configuration
    Check(check::CheckArgs),
    /// Sign in for an account, so that saslgate gets its tokens
    SignIn(sign_in::SignInArgs),
    /// Have the running saslgate read its configuration again, and see what has changed
    Reload(reload::ReloadArgs),
    /// Forget a sign-in
    SignOut(sign_out::SignOutArgs),
    /// Show how every account stands, and what to do about it
    Status(status::StatusArgs),
    /// Ask the running saslgate whether it is well, for a container's HEALTHCHECK
    Health(health::HealthArgs),
    /// Try an account from the clock to an opened mailbox, step by step; nothing is sent
    Test(test::TestArgs),
    /// Try whether alerts arrive
    Alert(alert::AlertArgs),
    /// Show or set what is logged, while saslgate runs
    Log(log::LogArgs),
    /// Print an account's next login as a conversation, secrets masked
    Trace(trace::TraceArgs),
    /// Print an access token, for a program that speaks XOAUTH2 itself
    Token(token::TokenArgs),
    /// Make a password for a mail program, and what the configuration stores of it
    Password(password::PasswordArgs),
    /// Take over what email-oauth2-proxy, sasl-xoauth2 or DavMail has
    Import(import::ImportArgs),
    /// Make a local certificate authority and a certificate for TLS toward mail programs
    Certs(certs::CertsArgs),
    /// See it work against a simulated Microsoft 365
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    /// Print what a shell needs to complete commands and options
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    #[command(hide = true)]
    Man(man::ManArgs),
}

/// The definition of the command line: whoever checks that a text names commands and options that are there asks it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the arguments, runs the command, tells the exit code: 0 done, 1 done with trouble, 2 not done.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Setup(args) => setup::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::SignIn(args) => sign_in::run(args),
        Command::Reload(args) => reload::run(args),
        Command::SignOut(args) => sign_out::run(args),
        Command::Status(args) => status::run(args),
        Command::Health(args) => health::run(&args),
        Command::Test(args) => test::run(args),
        Command::Alert(args) => alert::run(args),
        Command::Log(args) => log::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Token(args) => token::run(args),
        Command::Password(args) => password::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Certs(args) => certs::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// Where the configuration comes from that a command is to use.
fn origin(named: Option<&Path>) -> Origin {
    // Who empties a variable means that it is not set.
    let by_variable = || System.variable("SASLGATE_CONFIG").filter(|path| !path.is_empty());
    match named
        .map(Path::to_owned)
        .or_else(|| by_variable().map(PathBuf::from))
    {
        Some(path) => Origin::find(&path, true, &System),
        None => Origin::find(&Origin::usual(&System), false, &System),
    }
}

/// Where a configuration was looked for, where nobody named one and none is there.
fn nowhere(origin: &Origin) -> Option<String> {
    let Origin::File(path) = origin else {
        return None;
    };
    let is_missing = |path: &Path| {
        path.symlink_metadata()
            .is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    if *path != Origin::usual(&System) || !is_missing(path) {
        return None;
    }
    let of_person = Origin::of_person(&System).map_or(String::new(), |directory| {
        format!(" and there is no {}", directory.join("saslgate.toml").display())
    });
    Some(format!(
        "there is no {}{of_person}: `saslgate setup` writes one; --config FILE, or the variable SASLGATE_CONFIG, names another",
        path.display()
    ))
}

/// How somebody sees what is wrong with it.
fn look_at(origin: &Origin) -> String {
    if let Some(where_to_look) = nowhere(origin) {
        return where_to_look;
    }
    match origin {
        Origin::File(path) => format!(
            "`saslgate check --config {}` shows it in the file",
            path.display()
        ),
        Origin::Variables => "`saslgate check` with the same variables tells when it is mended".to_owned(),
    }
}

/// Tells a person why a command did not do what it was asked.
fn complain(what: &str) {
    use std::io::Write as _;
    // A standard error that is closed leaves nobody to tell.
    let _ = writeln!(anstream::stderr(), "saslgate: {what}");
}

/// The runtime for commands that talk to the network.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
