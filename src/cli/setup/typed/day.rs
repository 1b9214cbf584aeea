//! The day on which a client secret ends.

use toml::value::Datetime;

/// Reads a day as the portal shows it in the column Expires, or as a calendar writes it.
pub(in super::super) fn day(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    let text = of_parts(typed)?.unwrap_or_else(|| typed.to_owned());
    let date = text
        .parse::<Datetime>()
        .ok()
        .filter(|at| at.time.is_none())
        .and_then(|at| at.date);
    match date {
        Some(date) => Ok(date.to_string()),
        None => Err("write the day as year-month-day, such as 2027-11-01".to_owned()),
    }
}

/// A day with its year at the end, as the portal shows it in some languages, where only one of two numbers can be the month.
fn of_parts(typed: &str) -> Result<Option<String>, String> {
    let parts: Vec<u16> = typed
        .split(['/', '.'])
        .map_while(|part| part.trim().parse().ok())
        .collect();
    let (first, second, year) = match parts[..] {
        [first, second, year] if year >= 2000 => (first, second, year),
        _ => return Ok(None),
    };
    let (month, day) = match (first, second) {
        (day, month) if day > 12 => (month, day),
        (month, day) if day > 12 || month == day => (month, day),
        (one, other) => {
            return Err(format!(
                "{typed} is {year}-{one:02}-{other:02} for some and {year}-{other:02}-{one:02} for others: write it as year-month-day"
            ));
        }
    };
    Ok(Some(format!("{year:04}-{month:02}-{day:02}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_so_that_nobody_takes_the_month_for_it() {
        let cases = [
            (" 2027-11-01 ", "2027-11-01"),
            ("11/25/2027", "2027-11-25"),
            ("25.11.2027", "2027-11-25"),
            ("1.13.2027", "2027-01-13"),
            ("11/11/2027", "2027-11-11"),
        ];
        for (typed, expected) in cases {
            assert_eq!(day(typed).as_deref(), Ok(expected), "{typed}");
        }
        for typed in [
            "1.11.2027",
            "11/1/2027",
            "13/13/2027",
            "31/2/2027",
            "11/25/27",
            "25/11",
            "2027-13-01",
            "2027-02-30",
            "2027-11-01T00:00:00Z",
            "soon",
            "",
        ] {
            assert!(day(typed).is_err(), "{typed}");
        }
        let both = day("11/1/2027").unwrap_err();
        assert!(both.contains("2027-11-01 for some and 2027-01-11"), "{both}");
    }
}
