//! `command`: a program of the operator's, without a shell.

use std::path::Path;

use super::reader::Reader;
use super::table::Table;

/// The program and its arguments. `until_then` is what does not happen while the program can't be run.
pub(super) fn argv(table: &Table<'_>, until_then: &str, reader: &mut Reader<'_>) -> Option<Vec<Box<str>>> {
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
            until_then,
            "install it, or chmod it",
        );
    }
    Some(argv.value.iter().map(|text| text.value.as_str().into()).collect())
}
