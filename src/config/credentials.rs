//! What proves an app to Entra ID: client id, client secret, scope.

use std::time::SystemTime;

use toml::value::Date;

use super::provider::Provider;
use super::reader::{At, Reader, Span};
use super::table::Table;
use crate::oauth::authority;
use crate::provider::Preset;
use crate::secret::Secret;

/// How many days before its end a client secret is worth a word: making a new one can need another person.
const EXPIRES_SOON: i64 = 30;

pub(super) fn client_id(
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<Box<str>> {
    let fix = "copy \"Application (client) ID\" from the app registration's Overview";
    let id = table.required("client_id", "it says which app registration asks", fix, reader)?;
    let preset = provider.and_then(|provider| provider.preset);
    let is_entra = preset.is_some_and(Preset::is_entra);
    if is_entra && !authority::is_guid(&id.value)
        || id.value.is_empty()
        || id.value.contains(char::is_control)
    {
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

pub(super) fn secret(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let file = table.text("client_secret_file", reader);
    let variable = table.text("client_secret_env", reader);
    match (file, variable) {
        (Some(file), Some(variable)) => {
            let what = "both `client_secret_file` and `client_secret_env` are given";
            reader.error(
                &variable.span,
                what,
                "only one can be meant",
                "remove one of them",
            );
            drop(file);
            None
        }
        (Some(file), None) => {
            let bytes = reader.secret_file(&file)?;
            secret_value(bytes.expose(), &file.span, reader)
        }
        (None, Some(variable)) => {
            let value = reader.secret_variable(&variable)?;
            secret_value(value.expose().as_bytes(), &variable.span, reader)
        }
        (None, None) => {
            let given = ["client_secret_file", "client_secret_env", "client_secret"];
            if given.iter().all(|key| table.key(key).is_none()) {
                let fix = "add `client_secret_file` or `client_secret_env`";
                table.missing(
                    "client_secret_file",
                    "the app proves itself by its client secret",
                    fix,
                    reader,
                );
            }
            None
        }
    }
}

fn secret_value(bytes: &[u8], span: &Span, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let value = str::from_utf8(bytes).unwrap_or_default().trim();
    let (what, why) = if value.is_empty() {
        (
            "the client secret is empty or not text",
            "nothing proves the app then",
        )
    } else if value.contains(char::is_whitespace) || value.contains(char::is_control) {
        (
            "the client secret has a space or a line end within",
            "no client secret has; something else is in that place",
        )
    } else if authority::is_guid(value) {
        (
            "that is a Secret ID, not the client secret",
            "Entra ID answers it with AADSTS7000215",
        )
    } else {
        return Some(Secret::new(value.to_owned()));
    };
    let fix = "copy the column Value of \"Certificates & secrets\"; it is shown only once, so make a new one if it is lost";
    reader.error(span, what, why, fix);
    None
}

pub(super) fn note_expiry(table: &Table<'_>, reader: &mut Reader<'_>) {
    let Some(At { value: date, span }) = table.date("client_secret_expires", reader) else {
        return;
    };
    let left = days(date) - today(reader.now());
    let what = match left {
        ..=0 => format!("the client secret has expired on {date}"),
        1..=EXPIRES_SOON => format!("the client secret expires in {left} days, on {date}"),
        _ => return,
    };
    let fix = "make a new one in the portal, put its Value in place, and change this date";
    reader.warning(
        &span,
        what,
        "from then on no account of this app gets a token",
        fix,
    );
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March so that a leap day is the last.
fn days(date: Date) -> i64 {
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

fn today(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / 86_400).unwrap_or(i64::MAX)
}

pub(super) fn scope(
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<Box<str>> {
    let preset = provider.and_then(|provider| provider.preset);
    if let Some(preset) = preset.filter(|preset| preset.app_scope.is_none()) {
        reader.error(
            &table.span,
            format!("the provider \"{}\" has no app-only tokens", preset.name),
            "with grant = \"client_credentials\" an app signs in as itself, and there only people do",
            "use grant = \"command\" with a program that gets a person's token",
        );
        return None;
    }
    let Some(scope) = table.text("scope", reader) else {
        if preset.is_none() && provider.is_some() && table.key("scope").is_none() {
            let fix = "add the scope of an app-only token, usually the resource's address with \"/.default\" after it";
            table.missing("scope", "no preset knows it for this provider", fix, reader);
        }
        return preset?.app_scope.map(Into::into);
    };
    let sound = !scope.value.is_empty() && scope.value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    // Entra ID refuses anything else in this grant with AADSTS1002012 or AADSTS70011.
    let entra = preset.is_none() || scope.value.ends_with("/.default") && !scope.value.contains(' ');
    if !sound || !entra {
        reader.error(
            &scope.span,
            format!("`scope` = {} is no scope of an app-only token", scope.shown()),
            "an app asks for one resource and everything it was granted there",
            "remove it for the default, or write one resource's address with \"/.default\" after it",
        );
    }
    Some(scope.value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        let day = |year, month, day| days(Date { year, month, day });
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(2000, 3, 1) - day(2000, 2, 28), 2);
        assert_eq!(day(2100, 3, 1) - day(2100, 2, 28), 1);
        assert_eq!(day(2026, 11, 21), 1_795_219_200 / 86_400);
    }
}
