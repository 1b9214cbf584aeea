//! MAIL and RCPT arguments (RFC 5321, 4.1.2) with the parameters of the announced extensions.

/// A path with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// Without the angle brackets; empty for `<>`.
    pub(super) address: String,
    /// Names in upper case.
    pub(super) parameters: Vec<(String, String)>,
}

impl Path {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads `FROM:<…> …` or `TO:<…> …`. A space behind the colon is let pass, as Exchange does.
pub(super) fn parse(argument: &str, keyword: &str, known: &[&str]) -> Option<Path> {
    let (word, rest) = argument.split_at_checked(keyword.len())?;
    let rest = rest
        .strip_prefix(':')
        .filter(|_| word.eq_ignore_ascii_case(keyword))?;
    let (address, rest) = rest.trim_start_matches(' ').strip_prefix('<')?.split_once('>')?;
    let whole = address.is_empty()
        || address
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !whole || address.contains(|c: char| c.is_control() || c == ' ' || c == '<') {
        return None;
    }
    let mut parameters = Vec::new();
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let name = name.to_ascii_uppercase();
        if !known.contains(&name.as_str()) || parameters.iter().any(|(seen, _)| *seen == name) {
            return None;
        }
        parameters.push((name, value.to_owned()));
    }
    (rest.is_empty() || rest.starts_with(' ')).then(|| Path {
        address: address.to_owned(),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_parameters() {
        let path = parse("from:<a@b> SIZE=12 BODY=8BITMIME", "FROM", &["SIZE", "BODY"]).unwrap();
        assert_eq!(
            (path.address.as_str(), path.parameter("SIZE")),
            ("a@b", Some("12"))
        );
        assert_eq!(
            parse("FROM: <>", "FROM", &[]).map(|path| path.address).as_deref(),
            Some("")
        );
        let wrong = [
            "FROM:a@b",
            "FROM:<a>",
            "FROM:<a@b",
            "FROM <a@b>",
            "TO:<a@b>",
            "FROM:<a@b>X",
            "FROM:<a@b> X=1",
            "FROM:<@>",
        ];
        assert_eq!(
            wrong
                .iter()
                .filter(|text| parse(text, "FROM", &["SIZE"]).is_none())
                .count(),
            wrong.len()
        );
    }
}
