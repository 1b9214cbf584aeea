//! Moments as they are told: RFC 3339 for programs, RFC 5322 in mail, in words for people. All in UTC.

use std::time::SystemTime;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

struct Moment {
    year: u64,
    month: u64,
    day: u64,
    seconds: u64,
    weekday: &'static str,
}

impl Moment {
    /// The date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Counted from a first of March, so that a leap day is the last of its year.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_based = (5 * of_year + 2) / 153;
        let month = if march_based < 10 {
            march_based + 3
        } else {
            march_based - 9
        };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: of_year - (153 * march_based + 2) / 5 + 1,
            seconds,
            weekday: WEEKDAYS[usize::try_from(days % 7).unwrap_or(0)],
        }
    }

    fn clock(&self) -> String {
        let Self { seconds, .. } = self;
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// `2026-11-21T20:50:00Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let moment = Moment::of(time);
    let Moment { year, month, day, .. } = moment;
    format!("{year:04}-{month:02}-{day:02}T{}Z", moment.clock())
}

/// `Sat, 21 Nov 2026 20:50:00 +0000`.
pub(super) fn rfc5322(time: SystemTime) -> String {
    let moment = Moment::of(time);
    let Moment {
        year,
        month,
        day,
        weekday,
        ..
    } = moment;
    let month = MONTHS[usize::try_from(month).unwrap_or(1) - 1];
    format!("{weekday}, {day} {month} {year:04} {} +0000", moment.clock())
}

/// `Sat 21 Nov 2026, 20:50 UTC`.
pub fn in_words(time: SystemTime) -> String {
    let moment = Moment::of(time);
    let Moment {
        year,
        month,
        day,
        seconds,
        weekday,
    } = moment;
    let month = MONTHS[usize::try_from(month).unwrap_or(1) - 1];
    let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
    format!("{weekday} {day} {month} {year:04}, {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        // `date -u -R -d @N` says so.
        let table = [
            (0, "1970-01-01T00:00:00Z", "Thu, 1 Jan 1970 00:00:00 +0000"),
            (
                951_782_400,
                "2000-02-29T00:00:00Z",
                "Tue, 29 Feb 2000 00:00:00 +0000",
            ),
            (
                1_709_251_199,
                "2024-02-29T23:59:59Z",
                "Thu, 29 Feb 2024 23:59:59 +0000",
            ),
            (
                1_767_225_599,
                "2025-12-31T23:59:59Z",
                "Wed, 31 Dec 2025 23:59:59 +0000",
            ),
            (
                4_107_542_400,
                "2100-03-01T00:00:00Z",
                "Mon, 1 Mar 2100 00:00:00 +0000",
            ),
        ];
        for (seconds, json, mail) in table {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!((rfc3339(time).as_str(), rfc5322(time).as_str()), (json, mail));
        }
        assert_eq!(table.len(), 5);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(951_786_240);
        assert_eq!(in_words(time), "Tue 29 Feb 2000, 01:04 UTC");
    }
}
