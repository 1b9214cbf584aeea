//! Mailboxes: several, with commas, semicolons or line ends between, as address books and spreadsheets copy them.

use crate::name::MAX_NAME;

/// What RFC 5322 3.2.3 lets stand in an address beside letters and digits, without `*`, which means a whole domain here, and
/// without the back quote, which is an escape in some of the places that the address is written to.
const MARKS: &[u8] = b".!#$%&'+-/=?^_{|}~";

/// Reads one or more addresses, each once.
pub(in super::super) fn mailboxes(typed: &str) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    for part in typed.split([',', ';', '\n', '\r', '\t']) {
        // An address book copies the name along: Support <support@contoso.com>.
        let part = match (part.find('<'), part.rfind('>')) {
            (Some(from), Some(to)) if from < to => &part[from + 1..to],
            _ => part,
        };
        for address in part.split_whitespace() {
            let address = address.strip_prefix("mailto:").unwrap_or(address);
            let address = self::address(address)?;
            if !found.iter().any(|known| known.eq_ignore_ascii_case(address)) {
                found.push(address.to_owned());
            }
        }
    }
    if found.is_empty() {
        return Err("a mailbox is needed: write its address, such as support@contoso.com".to_owned());
    }
    Ok(found)
}

/// One address. What it may begin with leaves out a comment's and a formula's first character: it becomes a word of a users
/// file and a cell of a CSV.
fn address(text: &str) -> Result<&str, String> {
    let shown = crate::name::shown(text.as_bytes(), 80);
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err(format!("{shown} is no address: it has no @"));
    };
    if local == "*" {
        return Err(format!(
            "{shown} is every mailbox of a domain: setup writes an account for each; config/examples/catch-all.toml shows the other"
        ));
    }
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || MARKS.contains(&byte);
    if let Some(wrong) = local.chars().find(|c| !u8::try_from(*c).is_ok_and(sound)) {
        let wrong = crate::name::shown(wrong.to_string().as_bytes(), 8);
        return Err(format!("{shown} has a {wrong}, which no mailbox of Exchange has"));
    }
    if !local.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("{shown} does not begin with a letter or a digit"));
    }
    if !is_domain(domain) {
        return Err(format!("what stands behind the @ of {shown} is not a domain"));
    }
    if text.len() > MAX_NAME {
        return Err(format!("{shown} is longer than {MAX_NAME} characters"));
    }
    Ok(text)
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && label.bytes().all(inner)
    };
    text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_come_as_they_are_copied() {
        let cases: [(&str, &[&str]); 9] = [
            ("support@contoso.com", &["support@contoso.com"]),
            ("a@x.org, b@x.org", &["a@x.org", "b@x.org"]),
            ("a@x.org;b@x.org", &["a@x.org", "b@x.org"]),
            ("a@x.org b@x.org", &["a@x.org", "b@x.org"]),
            ("a@x.org\r\nb@x.org\n\n", &["a@x.org", "b@x.org"]),
            (
                "Support Team <a@x.org>, \"B, C\" <b@x.org>",
                &["a@x.org", "b@x.org"],
            ),
            ("a@x.org,A@X.org,", &["a@x.org"]),
            ("mailto:a@x.org", &["a@x.org"]),
            ("o'brien+x@sub.x-y.org", &["o'brien+x@sub.x-y.org"]),
        ];
        for (typed, expected) in cases {
            // A comma in a name of an address book parts it; what has no address in it is refused, not guessed at.
            let read = mailboxes(typed);
            if typed.contains("\"B, C\"") {
                assert!(read.unwrap_err().contains("no address"));
            } else {
                assert_eq!(read.unwrap(), expected, "{typed}");
            }
        }
    }

    #[test]
    fn what_is_no_mailbox_is_named() {
        let cases = [
            ("", "is needed"),
            (" ,; ", "is needed"),
            ("support", "support is no address"),
            ("a@x.org, support", "support is no address"),
            ("*@contoso.com", "every mailbox of a domain"),
            ("a*@contoso.com", "has a *"),
            ("a`whoami`@contoso.com", "has a `"),
            ("a\"b@contoso.com", "has a \""),
            ("a\u{2019}b@contoso.com", "has a \u{2019}"),
            ("j\u{e4}ger@contoso.com", "has a \u{e4}"),
            ("=cmd@contoso.com", "does not begin with"),
            ("#x@contoso.com", "does not begin with"),
            ("@contoso.com", "does not begin with"),
            ("a@contoso", "not a domain"),
            ("a@-contoso.com", "not a domain"),
            ("a@b@contoso.com", "has a @"),
            ("a@contoso.com\u{1b}[2J", "not a domain"),
        ];
        for (typed, word) in cases {
            let error = mailboxes(typed).unwrap_err();
            assert!(error.contains(word), "{typed}: {error}");
            assert!(!error.contains('\u{1b}'), "{error}");
        }
        assert_eq!(cases.len(), 17);
        assert!(
            mailboxes(&format!("{}@contoso.com", "a".repeat(260)))
                .unwrap_err()
                .contains("longer")
        );
    }
}
