//! `saslgate run`: serve until told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{self, Config, Origin, Problems, Sources, System};
use crate::server::{Inherited, Server, Why, keep_memory_private, raise_open_files};
use crate::{audit, cli, log};

const EXAMPLES: &str = "Examples:
  saslgate run                             with /etc/saslgate/saslgate.toml
  saslgate run --config my.toml            with another file
  saslgate reload                          take what has changed in the file now; it also happens by itself
  kill PID                                 stop: waiting mail clients are told to come back

Exit codes: 0 stopped on request, 2 could not start.";

/// What `run` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", help = cli::WHERE)]
    config: Option<PathBuf>,
}

/// Serves.
pub(super) fn run(args: &RunArgs) -> ExitCode {
    // Before there are threads: it takes variables out of the environment.
    let inherited = Inherited::take();
    raise_open_files();
    let origin = cli::origin(args.config.as_deref());
    let (config, sources) = config::read(&origin, &System);
    let config = match config {
        Ok(config) => config,
        Err(problems) => {
            cli::complain(&problems.to_string());
            cli::complain(&format!("nothing was started; {}", cli::look_at(&origin)));
            return ExitCode::from(2);
        }
    };
    // Kept to the end of `run`, so that whatever ends it is in the log.
    let _running = match log::start(&config.log) {
        Ok(running) => running,
        Err(error) => {
            cli::complain(&error.to_string());
            return ExitCode::from(2);
        }
    };
    log::tell_panics();
    keep_memory_private();
    warn(&config.warnings);
    match cli::runtime().map(|runtime| runtime.block_on(serve(config, (origin, sources), inherited))) {
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

async fn serve(config: Config, followed: (Origin, Sources), inherited: Inherited) -> Result<(), String> {
    let signals = (
        signal(SignalKind::hangup()),
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return Err("signals can't be received on this system".into());
    };
    let server = Server::start(config, inherited, None);
    let mut server = server.map_err(|error| error.to_string())?;
    let (origin, sources) = followed;
    audit::started(env!("CARGO_PKG_VERSION"), &origin.to_string());
    server.follow(origin, sources);
    loop {
        let why = tokio::select! {
            _ = hangup.recv() => Why::Signal,
            why = server.asked_to_reload() => why,
            () = either(&mut terminate, &mut interrupt) => break,
        };
        server.reread(why).await;
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

fn warn(warnings: &Problems) {
    for line in warnings.to_string().lines() {
        tracing::warn!(problem = line, "configuration");
    }
}
