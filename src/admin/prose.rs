//! What was written for a terminal, as a page says it: whole sentences, and commands that look like commands.

use std::borrow::Cow;

use crate::web::html::Html;

/// Names that begin with a small letter wherever they stand.
const SMALL: [&str; 4] = ["saslgate", "imap", "pop3", "smtp"];

/// A message as a sentence: a capital letter in front, unless it begins with a name, and a full stop behind.
pub(super) fn sentence(said: &str) -> Cow<'_, str> {
    let first = said
        .split(|character: char| character.is_whitespace() || character == ',')
        .next()
        .unwrap_or_default();
    let is_word = first
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let capital = match said.chars().next() {
        Some(letter) if is_word && !SMALL.contains(&first) => letter.to_ascii_uppercase(),
        _ => return stopped(Cow::Borrowed(said)),
    };
    let rest = said.get(1..).unwrap_or_default();
    stopped(Cow::Owned(format!("{capital}{rest}")))
}

/// Puts the full stop behind what has none, and does not end with something to copy.
fn stopped(said: Cow<'_, str>) -> Cow<'_, str> {
    match said.chars().next_back() {
        Some(last) if last.is_alphanumeric() || last == ')' => Cow::Owned(format!("{said}.")),
        _ => said,
    }
}

/// Writes a sentence; what stands between backticks is something to type.
pub(super) fn prose(said: &str, html: &mut Html) {
    let said = sentence(said);
    let mut parts = said.split('`').peekable();
    let mut is_code = false;
    while let Some(part) = parts.next() {
        if is_code && parts.peek().is_some() {
            html.element("code", part);
        } else {
            // The last backtick has no other.
            html.raw(if is_code { "`" } else { "" }).text(part);
        }
        is_code = !is_code;
    }
}

/// Writes messages that stand on a line each, if there are any.
pub(super) fn lines(said: &str, html: &mut Html) {
    if said.trim().is_empty() {
        return;
    }
    html.raw("<ul class=\"lines\">");
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        html.raw("<li>");
        prose(line, html);
        html.raw("</li>");
    }
    html.raw("</ul>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        let table = [
            ("no access token for scanner", "No access token for scanner."),
            (
                "a link is for one day, and once",
                "A link is for one day, and once.",
            ),
            ("saslgate gave no answer", "saslgate gave no answer."),
            ("client_id is wrong (x)", "client_id is wrong (x)."),
            (
                "alice@contoso.com has no mailbox",
                "alice@contoso.com has no mailbox.",
            ),
            ("is that so?", "Is that so?"),
            ("Already one.", "Already one."),
            ("", ""),
        ];
        for (said, expected) in table {
            assert_eq!(sentence(said), expected);
        }
        assert_eq!(table.len(), 8);
    }

    #[test]
    fn what_is_typed_looks_like_it() {
        let table = [
            (
                "run `saslgate test <x>`, then wait",
                "Run <code>saslgate test &lt;x&gt;</code>, then wait.",
            ),
            ("`tenant` is wrong", "<code>tenant</code> is wrong."),
            ("one ` alone", "One ` alone."),
        ];
        for (said, expected) in table {
            let mut html = Html::default();
            prose(said, &mut html);
            assert_eq!(html.into_string(), expected);
        }
        assert_eq!(table.len(), 3);
    }
}
