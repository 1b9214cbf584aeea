//! `command`: a program that prints a token.

use std::time::Duration;

use super::super::program;
use super::super::reader::Reader;
use super::super::table::Table;
use crate::oauth::Command;

/// How long an external command may run if nothing is said: it may have to ask a token endpoint itself.
const TIMEOUT: u32 = 30;

pub(super) fn read(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Command> {
    let bounds = 1..=600;
    let timeout = table.whole(
        "command_timeout",
        bounds,
        "a mail client waits that many seconds at most",
        reader,
    );
    if table.key("command").is_none() {
        let fix = "add command = [\"/path/to/program\", \"argument\"]";
        table.missing("command", "it is what prints the token", fix, reader);
    }
    let until_then = "until it can be, no account of this app gets a token";
    let argv = program::argv(table, until_then, reader)?;
    Some(Command {
        argv,
        timeout: Duration::from_secs(timeout.map_or(TIMEOUT, |at| at.value).into()),
    })
}
