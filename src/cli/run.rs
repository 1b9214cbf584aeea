//! `saslgate run`: serve until told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::block_in_place;

use super::DEFAULT_CONFIG;
use crate::config::{self, Config, Problems, System};
use crate::server::{Server, keep_memory_private, raise_open_files};
use crate::{cli, log};

const EXAMPLES: &str = "Examples:
  saslgate run                             with /etc/saslgate/saslgate.toml
  saslgate run --config my.toml            with another file
  kill -HUP PID                            take changed accounts and apps from the file
  kill PID                                 stop: waiting mail clients are told to come back

Exit codes: 0 stopped on request, 2 could not start.";

/// What `run` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "SASLGATE_CONFIG", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

/// Serves.
pub(super) fn run(args: &RunArgs) -> ExitCode {
    raise_open_files();
    let config = match config::load(&args.config, &System) {
        Ok(config) => config,
        Err(problems) => {
            cli::complain(&problems.to_string());
            cli::complain(&format!(
                "nothing was started; `saslgate check --config {}` shows it in the file",
                args.config.display()
            ));
            return ExitCode::from(2);
        }
    };
    if let Err(error) = log::start(&config.log) {
        cli::complain(&error.to_string());
        return ExitCode::from(2);
    }
    keep_memory_private();
    warn(&config.warnings);
    match cli::runtime().map(|runtime| runtime.block_on(serve(config, &args.config))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            cli::complain(&error);
            ExitCode::from(2)
        }
        Err(error) => {
            cli::complain(&format!("the runtime can't be started: {error}"));
            ExitCode::from(2)
        }
    }
}

async fn serve(config: Config, path: &Path) -> Result<(), String> {
    let signals = (
        signal(SignalKind::hangup()),
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return Err("signals can't be received on this system".into());
    };
    let mut server = Server::start(config, None).map_err(|error| error.to_string())?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = %path.display(), "ready");
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(&mut server, path),
            () = either(&mut terminate, &mut interrupt) => break,
        }
    }
    tokio::select! {
        () = server.stop() => {}
        () = either(&mut terminate, &mut interrupt) => tracing::warn!("told to stop twice: stopping at once"),
    }
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// A file with a problem changes nothing.
fn reload(server: &mut Server, path: &Path) {
    // Loading hashes plain password files, which takes milliseconds each: other sessions go on meanwhile.
    let config = match block_in_place(|| config::load(path, &System)) {
        Ok(config) => config,
        Err(problems) => {
            for line in problems.to_string().lines() {
                tracing::error!(problem = line, "not reloaded; the old configuration stays in use");
            }
            return;
        }
    };
    warn(&config.warnings);
    if let Err(error) = server.reload(config) {
        tracing::error!(%error, "not reloaded; the old configuration stays in use");
    }
}

fn warn(warnings: &Problems) {
    for line in warnings.to_string().lines() {
        tracing::warn!(problem = line, "configuration");
    }
}
