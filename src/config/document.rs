//! All that a configuration says, as one document: every file's spans are moved to where its page stands.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::reader::{Opened, Reader, Span};

/// What a file says. None beside an error, of which the first is told: what is missing then could be what the rest depends on.
pub(super) fn parse<'t>(file: &'t Opened, reader: &mut Reader<'_>) -> Option<DeTable<'t>> {
    let (document, errors) = DeTable::parse_recoverable(file.text.expose());
    // Where a quote or a bracket is open, nearly every line after it is no TOML either.
    let start = |error: &&toml::de::Error| error.span().map_or(0, |span| span.start);
    if let Some(error) = errors.iter().min_by_key(start) {
        let span = error.span().unwrap_or(0..0);
        let why = error.message().to_owned();
        reader.error(
            &moved(&span, file.start),
            "this is not TOML",
            why,
            "close what is open before it, or quote the value; then check again",
        );
    }
    errors
        .is_empty()
        .then(|| table(document.into_inner(), file.start))
}

/// What a file says as far as it can be read.
pub(super) fn recovered(file: &Opened) -> DeTable<'_> {
    let (document, _) = DeTable::parse_recoverable(file.text.expose());
    table(document.into_inner(), file.start)
}

/// The same table in its place. The first file is at the start.
fn table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    if by == 0 {
        return table;
    }
    let entries = table.into_iter().map(|(key, entry)| {
        let key = Spanned::new(moved(&key.span(), by), key.into_inner());
        (key, value(entry, by))
    });
    entries.collect()
}

fn value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved(&value.span(), by);
    let value = match value.into_inner() {
        DeValue::Table(within) => DeValue::Table(table(within, by)),
        DeValue::Array(within) => {
            DeValue::Array(within.into_iter().map(|within| self::value(within, by)).collect())
        }
        plain => plain,
    };
    Spanned::new(span, value)
}

fn moved(span: &Span, by: usize) -> Span {
    span.start + by..span.end + by
}

/// Adds tables to those of a list. What is none where they are to be added is told of where it is read.
pub(super) fn add_tables<'t>(
    root: &mut DeTable<'t>,
    key: Spanned<DeString<'t>>,
    tables: Spanned<DeValue<'t>>,
) {
    let Some(all) = root.get_mut(key.get_ref().as_ref()) else {
        root.insert(key, tables);
        return;
    };
    if let (DeValue::Array(all), DeValue::Array(more)) = (all.get_mut(), tables.into_inner()) {
        more.into_iter().for_each(|table| all.push(table));
    }
}
