//! How a command reaches saslgate: by the running server's socket, else by doing the work itself.

mod absent;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{WHERE, complain, look_at, origin, runtime};
use crate::config::{self, Origin, System};
use crate::control::{ControlError, News, Operator, Order, TroubleTold, connect, talk};
use crate::server::{Offline, keep_memory_private};
pub(super) use absent::Absent;

/// Which saslgate is meant.
#[derive(Args)]
pub(super) struct Which {
    /// The configuration
    #[arg(long, value_name = "FILE", help = WHERE)]
    pub(super) config: Option<PathBuf>,
}

/// Runs a command that gives orders. An error was told already, as far as it can be.
pub(super) fn run<F>(command: F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, ExitCode>>,
{
    keep_memory_private();
    match runtime() {
        Ok(runtime) => runtime.block_on(command).unwrap_or_else(|code| code),
        Err(error) => {
            complain(&format!("the runtime can't be started: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Gives an order; the news come out of what is returned.
pub(super) async fn give(which: &Which, order: Order) -> Result<Operator, ExitCode> {
    give_or_do(which, order).await.map(|(operator, _)| operator)
}

/// The same; with it comes what is known of the server where none runs.
pub(super) async fn give_or_do(which: &Which, order: Order) -> Result<(Operator, Option<Absent>), ExitCode> {
    let origin = origin(which.config.as_deref());
    let socket = config::control(&origin, &System);
    // An order that the server has not taken is given here: `connect` hands it back.
    match connect(&socket, origin.file(), order).await {
        Ok(operator) => Ok((operator, None)),
        Err((ControlError::NotRunning, order)) => {
            let (operator, absent) = alone(&origin, which.config.as_deref(), &socket, order)?;
            Ok((operator, Some(absent)))
        }
        Err((error, _)) => Err(failed(&error.to_string())),
    }
}

fn alone(
    origin: &Origin,
    named: Option<&Path>,
    socket: &Path,
    order: Order,
) -> Result<(Operator, Absent), ExitCode> {
    let config = config::read(origin, &System).0.map_err(|problems| {
        complain(&problems.to_string());
        failed(&look_at(origin))
    })?;
    let absent = Absent::new(&config, origin, named, socket);
    let offline = Offline::new(config, order.command()).map_err(|error| failed(&error.to_string()))?;
    let (here, operator) = talk();
    tokio::spawn(offline.carry_out(order, here));
    Ok((operator, absent))
}

/// Says why a command was not done.
pub(super) fn failed(what: &str) -> ExitCode {
    complain(what);
    ExitCode::from(2)
}

/// Says why an order was refused.
pub(super) fn refused(trouble: &TroubleTold) -> ExitCode {
    let code = trouble
        .code
        .as_deref()
        .map_or(String::new(), |code| format!(" [{code}]"));
    complain(&format!("{}{code}", trouble.what));
    complain(&format!("  why: {}", trouble.why));
    complain(&format!("  fix: {}", trouble.fix));
    ExitCode::from(2)
}

/// The server ended in the middle of an order.
pub(super) fn hung_up() -> ExitCode {
    failed("saslgate ended before the answer came; `saslgate status` tells how it stands")
}

/// News that do not belong to an order: it was refused as a whole, or the server is of another version.
pub(super) fn unexpected(news: &News) -> ExitCode {
    if let News::Refused(told) = news {
        return refused(told);
    }
    failed("the running saslgate is of another version than this command; restart it")
}
