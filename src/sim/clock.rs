//! Wall-clock time in the spellings of Entra, IMAP and SMTP. All UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Seconds since 1970-01-01 00:00:00 UTC; 0 when the machine's clock stands before that.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A moment taken apart.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    weekday: &'static str,
}

impl Civil {
    fn month_name(&self) -> &'static str {
        usize::try_from(self.month - 1)
            .ok()
            .and_then(|month| MONTHS.get(month))
            .copied()
            .unwrap_or("Jan")
    }
}

/// Days to a date of the proleptic Gregorian calendar, counted in 400-year eras that start on 1 March.
fn civil(at: u64) -> Civil {
    let days = at / 86_400;
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    Civil {
        year: year_of_era + era * 400 + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        hour: at % 86_400 / 3_600,
        minute: at % 3_600 / 60,
        second: at % 60,
        weekday: usize::try_from(days % 7)
            .ok()
            .and_then(|day| DAYS.get(day))
            .copied()
            .unwrap_or("Thu"),
    }
}

/// `2026-01-09 02:02:12Z`, as Entra stamps its errors.
pub(crate) fn entra(at: u64) -> String {
    let t = civil(at);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z",
        t.year, t.month, t.day, t.hour, t.minute, t.second
    )
}

/// `2024-10-10T21:50:33.251Z`, as in the tail of an SMTP reply. The milliseconds are zero.
pub(crate) fn smtp_tail(at: u64) -> String {
    let t = civil(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        t.year, t.month, t.day, t.hour, t.minute, t.second
    )
}

/// `Thu, 10 Oct 2024 22:49:55 +0000` (RFC 5322, 3.3).
pub(crate) fn rfc5322(at: u64) -> String {
    let t = civil(at);
    format!(
        "{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
        t.weekday,
        t.day,
        t.month_name(),
        t.year,
        t.hour,
        t.minute,
        t.second
    )
}

/// `"17-Jul-1996 02:44:25 +0000"` without the quotes (RFC 3501, 9: date-time).
pub(crate) fn imap(at: u64) -> String {
    let t = civil(at);
    format!(
        "{:2}-{}-{:04} {:02}:{:02}:{:02} +0000",
        t.day,
        t.month_name(),
        t.year,
        t.hour,
        t.minute,
        t.second
    )
}

/// The day (since 1970-01-01) that an IMAP date such as `1-Feb-1994` names; what follows the date is not read.
pub(crate) fn imap_day(text: &str) -> Option<u64> {
    let mut parts = text.trim_start().splitn(3, '-');
    let day: u64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    let year: u64 = parts
        .next()?
        .get(..4)?
        .parse()
        .ok()
        .filter(|year| *year >= 1970)?;
    self::day(year, u64::try_from(month).ok()? + 1, day)
}

/// The number of a date's day, counted from 1970-01-01; `None` before that and for a month or day of no year.
pub(crate) fn day(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year_from_march = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// The moment that an IMAP date-time such as `17-Jul-1996 02:44:25 -0700` names.
pub(crate) fn imap_moment(text: &str) -> Option<u64> {
    let day = imap_day(text)?;
    let mut words = text.split_whitespace().skip(1);
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let zone: i64 = words.next()?.parse().ok()?;
    let east = (zone / 100 * 60 + zone % 100) * 60;
    (day * 86_400 + hour * 3_600 + minute * 60 + second).checked_add_signed(-east)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_moment() {
        let at = 1_728_600_595;
        assert_eq!(entra(at), "2024-10-10 22:49:55Z");
        assert_eq!(rfc5322(at), "Thu, 10 Oct 2024 22:49:55 +0000");
        assert_eq!(imap(at), "10-Oct-2024 22:49:55 +0000");
        assert_eq!(imap_moment(&imap(at)), Some(at));
        assert_eq!(imap_moment("10-Oct-2024 15:49:55 -0700"), Some(at));
        assert_eq!(imap_day("29-Feb-2024"), Some(19_782));
        assert_eq!(entra(951_782_400), "2000-02-29 00:00:00Z");
    }
}
