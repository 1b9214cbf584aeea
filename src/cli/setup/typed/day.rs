//! The day on which a client secret ends.

use toml::value::Datetime;

/// Reads a day as the portal shows it in the column Expires, or as a calendar writes it.
pub(in super::super) fn day(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    let date = typed
        .parse::<Datetime>()
        .ok()
        .filter(|at| at.time.is_none())
        .and_then(|at| at.date);
    match date {
        Some(date) => Ok(date.to_string()),
        None => Err("write the day as year-month-day, such as 2027-11-01".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_so_that_nobody_takes_the_month_for_it() {
        assert_eq!(day(" 2027-11-01 ").as_deref(), Ok("2027-11-01"));
        for typed in [
            "1.11.2027",
            "11/1/2027",
            "2027-13-01",
            "2027-02-30",
            "2027-11-01T00:00:00Z",
            "soon",
            "",
        ] {
            assert!(day(typed).is_err(), "{typed}");
        }
    }
}
