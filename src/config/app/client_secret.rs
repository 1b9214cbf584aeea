//! The client secret and the day on which it ends.

use std::time::{Duration, SystemTime};

use toml::value::Date;

use super::super::reader::{At, Reader, Span};
use super::super::table::Table;
use crate::certificates::Validity;
use crate::oauth::authority;
use crate::secret::Secret;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The secret in `client_secret_file`.
pub(super) fn in_file(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let named = table.text("client_secret_file", reader)?;
    let bytes = reader.secret_file(&named)?;
    let place = reader.found(&named);
    secret_value(bytes.expose(), &place, &named.span, reader)
}

/// The secret in the variable that `client_secret_env` names.
pub(super) fn in_variable(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let named = table.text("client_secret_env", reader)?;
    let value = reader.secret_variable(&named)?;
    let place = "the environment variable named here";
    secret_value(value.expose().as_bytes(), place, &named.span, reader)
}

/// `place` is what it was read from, as it may be shown.
fn secret_value(bytes: &[u8], place: &str, span: &Span, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let value = str::from_utf8(bytes).unwrap_or_default().trim();
    let (what, why) = if value.is_empty() {
        ("holds no client secret", "it is empty or not text")
    } else if value.contains(char::is_whitespace) || value.contains(char::is_control) {
        (
            "holds no client secret",
            "it has a space or a line end within, and no client secret has",
        )
    } else if authority::is_guid(value) {
        (
            "holds a Secret ID, not the client secret",
            "Entra ID answers it with AADSTS7000215",
        )
    } else {
        return Some(Secret::new(value.to_owned()));
    };
    let fix = format!(
        "put the column Value of \"Certificates & secrets\" into {}; it is shown only once, so make a new one if it is lost",
        place.trim_end_matches(',')
    );
    reader.error(span, format!("{place} {what}"), why, fix);
    None
}

/// The first moment of the day in `client_secret_expires`, in UTC: no provider tells it, so the operator wrote it down.
pub(super) fn expires(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<SystemTime> {
    let At { value: date, span } = table.date("client_secret_expires", reader)?;
    let ends = u64::try_from(days(date)).unwrap_or(0) * DAY;
    let ends = SystemTime::UNIX_EPOCH + Duration::from_secs(ends);
    let fix = "make a new one in the portal, put its Value in place, and change this date";
    // Nobody knows since when it is good.
    let validity = Validity {
        not_before: SystemTime::UNIX_EPOCH,
        not_after: ends,
    };
    note_end("client secret", &span, validity, Some(date), fix, reader);
    Some(ends)
}

/// Notes a proof that has ended or soon will.
pub(super) fn note_end(
    what: &str,
    span: &Span,
    validity: Validity,
    day: Option<Date>,
    fix: &str,
    reader: &mut Reader<'_>,
) {
    let today = day_number(reader.now());
    if today < day_number(validity.told_from()) {
        return;
    }
    let left = day_number(validity.not_after) - today;
    let day = day.map_or_else(String::new, |day| format!(" on {day}"));
    let what = if left <= 0 {
        format!("the {what} has expired{day}")
    } else {
        let day = if day.is_empty() { day } else { format!(",{day}") };
        format!("the {what} expires in {left} days{day}")
    };
    let why = "from then on no account of this app gets a token";
    reader.warning(span, what, why, fix);
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March so that a leap day is the last.
fn days(date: Date) -> i64 {
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Days since 1970 that have ended.
fn day_number(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / DAY).unwrap_or(i64::MAX)
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
