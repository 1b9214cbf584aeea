//! `command`: a program that prints a token.

use std::path::Path;
use std::time::Duration;

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
    let argv = table.texts("command", reader)?;
    let program = argv.value.first()?;
    if !Path::new(&program.value).is_absolute() {
        reader.error(
            &program.span,
            "the program has no absolute path",
            "a service has neither your working directory nor your PATH",
            "write the path that `command -v` prints",
        );
    } else if !reader.is_program(Path::new(&program.value)) {
        reader.warning(
            &program.span,
            "the program is not there, or this user may not execute it",
            "until it can be, no account of this app gets a token",
            "install it, or chmod it",
        );
    }
    Some(Command {
        argv: argv.value.iter().map(|text| text.value.as_str().into()).collect(),
        timeout: Duration::from_secs(timeout.map_or(TIMEOUT, |at| at.value).into()),
    })
}
