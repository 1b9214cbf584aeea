//! `client_id`: which app registration asks.

use super::super::provider::Provider;
use super::super::reader::{Reader, Text};
use super::super::table::Table;
use crate::oauth::authority::is_guid;

/// What stands for a client id that nobody has yet. It has the form of one, so that everything else can be looked at.
pub(crate) const NO_CLIENT_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The client id. `given` stands for a key that is not there.
pub(super) fn read(
    table: &Table<'_>,
    provider: Option<&Provider>,
    given: Option<Text>,
    reader: &mut Reader<'_>,
) -> Option<Box<str>> {
    let fix = "copy \"Application (client) ID\" from the app registration's Overview";
    let id = match given {
        Some(id) => id,
        None => table.required("client_id", "it says which app registration asks", fix, reader)?,
    };
    if id.value.as_str() == NO_CLIENT_ID {
        let what = "`client_id` is still to be filled in";
        reader.error(&id.span, what, "the zeros stand for one that nobody has yet", fix);
        return None;
    }
    let is_entra = provider.is_some_and(Provider::is_entra);
    if is_entra && !is_guid(&id.value) || id.value.is_empty() || id.value.contains(char::is_control) {
        let what = format!("`client_id` = {} is not a client id", id.shown());
        let why = if is_entra {
            "one has the form 11111111-2222-3333-4444-555555555555"
        } else {
            "one has at least a letter"
        };
        reader.error(&id.span, what, why, fix);
        return None;
    }
    Some(id.value.into())
}
