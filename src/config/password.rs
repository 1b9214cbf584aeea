//! The local passwords of one account: hashes as they stand in the file, and a plain one from elsewhere.

use super::fingerprint::Fingerprint;
use super::reader::{At, Reader, Span, Text};
use super::route::Ways;
use super::table::Table;
use crate::account::PasswordHash;
use crate::account::password::{ChosenHash, Cost, PasswordId};
use crate::secret::Secret;

/// A local password, and what tells it from another without showing it.
pub(super) type Password = (PasswordHash, PasswordPrint);

/// Which generated password it is, none for the chosen one, and its fingerprint.
pub(super) type PasswordPrint = (Option<PasswordId>, Fingerprint);

/// In the place of a hash: the token store keeps the password. Not "store", which says nothing about where it came from; not a
/// key of its own, because an account without a line `password` would look like one that nobody can log in to.
const IMPORTED: &str = "imported";

/// The local passwords of an account.
#[derive(Default)]
pub(super) struct Passwords {
    /// Those that the configuration has hashes of.
    pub(super) here: Vec<Password>,
    /// Whether the token store keeps one.
    pub(super) imported: bool,
}

/// Where an account's local passwords stand.
const KEYS: [&str; 3] = ["password", "password_file", "password_env"];

/// Whether an account has local passwords, right or wrong ones.
pub(super) fn are_given(table: &Table<'_>) -> bool {
    KEYS.iter().any(|key| table.key(key).is_some())
}

/// Reads `password`, `password_file` and `password_env`. They may be missing only where the provider judges passwords.
pub(super) fn read(table: &Table<'_>, ways: &Ways, reader: &mut Reader<'_>) -> Passwords {
    let mistyped = KEYS.iter().any(|key| table.is_mistyped(key));
    if !are_given(table) && !mistyped && !ways.all_by_password() {
        let why = if ways.any_by_password() {
            "nobody could log in where the app's grant is not \"password\""
        } else {
            "nobody could log in"
        };
        let fix = "run `saslgate password` and add the line that it prints";
        table.missing("password", why, fix, reader);
    }
    let mut passwords = Passwords::default();
    let mut ids = Vec::new();
    for text in table
        .one_or_more("password", reader)
        .map_or(Vec::new(), |at| at.value)
    {
        if text.value == IMPORTED {
            // A person chose it, as far as anybody knows.
            note_twice(None, &text.span, &mut ids, reader);
            passwords.imported = true;
        } else if let Some(password) = stored(&text, reader) {
            let (_, (id, _)) = &password;
            note_twice(*id, &text.span, &mut ids, reader);
            passwords.here.push(password);
        }
    }
    for plain in [from_file(table, reader), from_variable(table, reader)]
        .into_iter()
        .flatten()
    {
        note_twice(None, &plain.span, &mut ids, reader);
        passwords.here.extend(hashed(&plain, reader));
    }
    passwords
}

/// The id in front of a generated password picks the hash, and the chosen one is tried when no id fits: so an account has
/// each id once, and one chosen password at most.
fn note_twice(
    id: Option<PasswordId>,
    span: &Span,
    ids: &mut Vec<Option<PasswordId>>,
    reader: &mut Reader<'_>,
) {
    match id {
        _ if !ids.contains(&id) => ids.push(id),
        Some(id) => reader.error(
            span,
            format!("a second password with the id {id}"),
            "the id picks the hash, so this one could never match",
            "remove it, or make another with `saslgate password`",
        ),
        None => reader.error(
            span,
            "a second chosen password",
            "each one costs a slow hash at every attempt, so an account has one at most",
            "keep one of them, and let `saslgate password` make the others",
        ),
    }
}

const UPSTREAM: &str = "upstream_password_file";

/// Reads `upstream_password_file`: what is shown to the provider where mail clients have passwords of their own.
pub(super) fn upstream(
    table: &Table<'_>,
    ways: &Ways,
    reader: &mut Reader<'_>,
) -> Option<At<Secret<String>>> {
    let named = table.text(UPSTREAM, reader);
    if !is_wanted(table, ways, reader) {
        return None;
    }
    let named = named?;
    let bytes = reader.secret_file(&named)?;
    let value = line(bytes.expose());
    let Some((why, fix)) = unusable(value) else {
        return Some(At {
            value: Secret::new(value.to_owned()),
            span: named.span,
        });
    };
    reader.error(&named.span, "the password named here cannot be used", why, fix);
    None
}

/// Whether the file is there and has a use; notes one that is missing or has none.
fn is_wanted(table: &Table<'_>, ways: &Ways, reader: &mut Reader<'_>) -> bool {
    let is_local = are_given(table);
    let Some(span) = table.key(UPSTREAM) else {
        if is_local && ways.any_by_password() {
            let why = "the app shows a person's password to the provider, and mail clients type another one";
            let fix = "add a file with the password at the provider, or remove the local password: then mail clients type that one";
            table.missing(UPSTREAM, why, fix, reader);
        }
        return false;
    };
    let (why, fix) = match (ways.any_by_password(), is_local) {
        (true, true) => return true,
        (false, _) => (
            "only grant = \"password\" shows a password to the provider",
            "remove it, or set that grant in the app",
        ),
        (true, false) => (
            "the account has no local password, so mail clients type the provider's",
            "remove it, or run `saslgate password` and add the line that it prints",
        ),
    };
    reader.error(&span, format!("`{UPSTREAM}` has no use here"), why, fix);
    false
}

/// A hash as it stands in the file. None beside an error.
pub(super) fn stored(text: &Text, reader: &mut Reader<'_>) -> Option<Password> {
    match PasswordHash::parse(&text.value) {
        Ok(hash) => Some(with_print(hash, text.value.as_bytes())),
        Err(error) => {
            // Some reasons come with this remedy already.
            let why = error
                .to_string()
                .replace(": make one with `saslgate password`", "");
            let fix = "run `saslgate password` and write what it prints";
            reader.error(&text.span, "`password` cannot be used", why, fix);
            None
        }
    }
}

fn with_print(hash: PasswordHash, secret: &[u8]) -> Password {
    let id = match &hash {
        PasswordHash::Generated(hash) => Some(hash.id()),
        PasswordHash::Chosen(_) => None,
    };
    (hash, (id, Fingerprint::of(&[secret])))
}

/// What `password_file` names, plain. None beside an error.
pub(super) fn from_file(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<At<Secret<String>>> {
    let named = table.text("password_file", reader)?;
    let bytes = reader.secret_file(&named)?;
    plain(line(bytes.expose()), named.span, reader)
}

/// Editors end the last line; the password itself never ends in one.
fn line(bytes: &[u8]) -> &str {
    let text = str::from_utf8(bytes).unwrap_or_default();
    text.strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
}

fn from_variable(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<At<Secret<String>>> {
    let named = table.text("password_env", reader)?;
    let value = reader.secret_variable(&named)?;
    plain(value.expose(), named.span, reader)
}

/// Why a text is no password, and what mends it.
fn unusable(value: &str) -> Option<(&'static str, &'static str)> {
    if value.is_empty() {
        Some(("it is empty or not UTF-8", "write the password there"))
    } else if value.contains(char::is_control) {
        Some((
            "it has more than one line, or a control character",
            "write the password alone there, on one line",
        ))
    } else {
        None
    }
}

fn plain(value: &str, span: Span, reader: &mut Reader<'_>) -> Option<At<Secret<String>>> {
    let is_hash = value.starts_with("sg1:") || value.starts_with("sg2:");
    let hash = is_hash.then_some((
        "it is a hash, and the plain password belongs there",
        "write the hash into `password`",
    ));
    let Some((why, fix)) = unusable(value).or(hash) else {
        return Some(At {
            value: Secret::new(value.to_owned()),
            span,
        });
    };
    reader.error(&span, "the password named here cannot be used", why, fix);
    None
}

/// None beside an error: nothing of the file is used then, and a slow hash is not worth its time.
pub(super) fn hashed(plain: &At<Secret<String>>, reader: &mut Reader<'_>) -> Option<Password> {
    if reader.errors() > 0 {
        return None;
    }
    match ChosenHash::make(&plain.value, Cost::default()) {
        Ok(hash) => {
            let print = Fingerprint::of(&[plain.value.expose().as_bytes()]);
            Some((PasswordHash::Chosen(hash), (None, print)))
        }
        Err(error) => {
            let why = error.to_string();
            reader.error(
                &plain.span,
                "the password named here cannot be hashed",
                why,
                "see to the machine",
            );
            None
        }
    }
}
