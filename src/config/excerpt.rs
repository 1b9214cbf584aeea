//! A line of the file as it may be shown. A snippet that quotes its source prints the password that stands in it,
//! so everything that is not surely harmless is masked, and a mask has one length whatever it hides.

use std::ops::Range;
use std::rc::Rc;

use super::keys;
use super::problem::Place;
use super::users_file;
use crate::secret::Secret;

/// What stands where something is hidden.
pub(super) const MASK: &str = "\"…\"";

/// How the lines of a file are to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syntax {
    Toml,
    /// An account a line, as in a `users_file`.
    Users,
}

/// The text of a file, and what is known of its lines.
pub(super) struct Source {
    text: Rc<Secret<String>>,
    syntax: Syntax,
    /// Where each line starts.
    starts: Vec<usize>,
    /// From where on a line can be within a string of several lines. Only a parser could tell where such a string ends,
    /// and quotes in comments deceive who counts: the lines after the first are simply not shown.
    long_string: usize,
}

impl Source {
    pub(super) fn new(text: Rc<Secret<String>>, syntax: Syntax) -> Self {
        let ends = text.expose().match_indices('\n').map(|(at, _)| at + 1);
        let first = |quotes: &str| text.expose().find(quotes).unwrap_or(text.expose().len());
        Self {
            starts: std::iter::once(0).chain(ends).collect(),
            long_string: first("\"\"\"").min(first("'''")),
            text,
            syntax,
        }
    }

    /// How its lines are to be read.
    pub(super) const fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The line around the start of `span`, and where that is. `span` is in bytes; one that points at a key has that key
    /// shown even if it is not a known one, because it is what the problem is about.
    pub(super) fn place(&self, span: &Range<usize>, is_key: bool) -> Place {
        let text = self.text.expose();
        let start = floor(text, span.start);
        let number = self.line(start);
        let line_start = self.starts.get(number - 1).copied().unwrap_or(0);
        let line = text[line_start..].lines().next().unwrap_or("");
        let from = (start - line_start).min(line.len());
        let to = span.end.saturating_sub(line_start).clamp(from, line.len());
        let (excerpt, mark) = match self.syntax {
            Syntax::Toml => masked(
                line,
                self.visible(line_start, line, is_key.then_some(to)),
                from..to,
            ),
            Syntax::Users => users_file::excerpt(line, from..to),
        };
        Place {
            line: number,
            column: text[line_start..start].chars().count() + 1,
            excerpt,
            mark,
        }
    }

    /// How many bytes at the start of a line of TOML are harmless; `key_end` is where the key ends that is shown anyway.
    fn visible(&self, line_start: usize, line: &str, key_end: Option<usize>) -> usize {
        if line_start > self.long_string {
            return 0;
        }
        let through_key = key_end.map_or(0, |end| through_equals(line, end));
        visible(line).max(through_key)
    }
}

fn masked(line: &str, visible: usize, marked: Range<usize>) -> (String, Range<usize>) {
    let mut excerpt = line[..visible].to_owned();
    if line[visible..].trim_start().starts_with('#') || line[visible..].trim().is_empty() {
        let end = marked.end.min(visible);
        return (excerpt, marked.start.min(end)..end);
    }
    excerpt.push_str(MASK);
    let mark = if marked.start < visible {
        marked.start..floor(line, marked.end.min(visible))
    } else {
        visible..excerpt.len()
    };
    (excerpt, mark)
}

/// How many bytes at the start of the line are harmless.
fn visible(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    if is_header(line.trim()) {
        return line.trim_end().len();
    }
    let Some((key, value)) = line.split_once('=') else {
        return indent;
    };
    if !is_known(key.trim()) {
        return indent;
    }
    let value_start = key.len() + 1 + (value.len() - value.trim_start().len());
    if keys::may_be_shown(key.trim()) {
        value_start + plain_value(&line[value_start..])
    } else {
        value_start
    }
}

/// The end of a key that ends at `to`, with the equals sign that follows.
fn through_equals(line: &str, to: usize) -> usize {
    let to = floor(line, to);
    let rest = line[to..].trim_start_matches([' ', '\t', '=']);
    line.len() - rest.len()
}

/// A table header of bare keys.
fn is_header(line: &str) -> bool {
    line.starts_with('[') && line.ends_with(']') && line.trim_matches(['[', ']']).bytes().all(is_bare_key)
}

fn is_known(key: &str) -> bool {
    key.split('.').all(|part| {
        keys::SHAPES.iter().any(|shape| {
            shape.keys.contains(&part) || shape.refused.iter().any(|refused| refused.key == part)
        })
    })
}

fn is_bare_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The length of a value that is one quoted string, one bare word, or one list of those; 0 for anything else, such as
/// a string without its end, and for a value that something but a comment follows.
fn plain_value(value: &str) -> usize {
    let Some(length) = scalar(value).or_else(|| list(value)) else {
        return 0;
    };
    let rest = value[length..].trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        length
    } else {
        0
    }
}

fn scalar(value: &str) -> Option<usize> {
    if let Some(string) = value.strip_prefix('"') {
        let end = string.find(|c: char| c.is_control() || matches!(c, '"' | '\\'))?;
        // `""` may begin a long string; an escape may hide the end.
        return (string[end..].starts_with('"') && !string[end..].starts_with("\"\"")).then_some(end + 2);
    }
    let bare = value
        .bytes()
        .take_while(|byte| is_bare_key(*byte) || matches!(byte, b':' | b'+'))
        .count();
    (bare > 0).then_some(bare)
}

fn list(value: &str) -> Option<usize> {
    let inner = value.strip_prefix('[')?;
    let mut at = 0;
    loop {
        at += inner[at..].len() - inner[at..].trim_start_matches([' ', '\t', ',']).len();
        if inner[at..].starts_with(']') {
            return Some(at + 2);
        }
        at += scalar(&inner[at..])?;
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(Rc::new(Secret::new(text.to_owned())), Syntax::Toml)
    }

    #[test]
    fn only_harmless_values_are_quoted() {
        let cases = [
            (
                r#"tenant = "contoso.com" # old: hunter2"#,
                r#"tenant = "contoso.com""#,
            ),
            (
                r#"  bind = ["[::1]:1", "hunter2"]"#,
                r#"  bind = ["[::1]:1", "hunter2"]"#,
            ),
            ("connections = 12", "connections = 12"),
            (r#"tls.imap = "implicit""#, r#"tls.imap = "implicit""#),
            ("[[account]]", "[[account]]"),
            (r#"password = "hunter2""#, r#"password = "…""#),
            (r#"password = "hunter2"#, r#"password = "…""#),
            ("password = hunter2", r#"password = "…""#),
            (r#"client_secret = "hunter2""#, r#"client_secret = "…""#),
            (r#"client_secret_env = "hunter2""#, r#"client_secret_env = "…""#),
            (r#"command = ["/bin/x", "hunter2"]"#, r#"command = "…""#),
            (r#"proxy = "http://u:hunter2@p""#, r#"proxy = "…""#),
            // A key that is not known may be a mistyped one.
            (r#"pasword = "hunter2""#, r#""…""#),
            (r#"login = "a" password = "hunter2""#, r#"login = "…""#),
            (r#"login = "alice  password = "hunter2""#, r#"login = "…""#),
            (r#"login = """hunter2"#, r#"login = "…""#),
            (r#"app = { client_secret = "hunter2" }"#, r#"app = "…""#),
            // One line of a list, or of a string of several lines.
            (r#"    "hunter2","#, r#"    "…""#),
            ("aHVudGVyMg==", r#""…""#),
            ("hunter2", r#""…""#),
            (r#"["hunter2"]"#, r#""…""#),
            ("# hunter2", ""),
            // Nothing in a line acts on the terminal that shows it.
            ("login = \"\u{1b}[2J\"", r#"login = "…""#),
        ];
        for (line, shown) in cases {
            assert_eq!(source(line).place(&(0..1), false).excerpt, shown, "{line}");
        }
        assert_eq!(cases.len(), 23);
    }

    #[test]
    fn the_mark_stays_on_what_is_shown() {
        let text = "[app]\npassword = \"hunter2\"\ntenant = \"ä\"\n";
        let at = |needle: &str| {
            let start = text.find(needle).unwrap();
            source(text).place(&(start..start + needle.len()), false)
        };
        let secret = at("\"hunter2\"");
        assert_eq!((secret.line, secret.column), (2, 12));
        assert_eq!(&secret.excerpt[secret.mark], MASK);
        let tenant = at("\"ä\"");
        assert_eq!((tenant.line, tenant.column), (3, 10));
        assert_eq!(&tenant.excerpt[tenant.mark], "\"ä\"");
        let end = source(text).place(&(text.len()..text.len()), false);
        assert_eq!((end.line, end.column, end.excerpt.as_str()), (4, 1, ""));
    }

    #[test]
    fn a_line_after_a_long_string_begins_is_never_quoted() {
        let text = "password = '''\ntenant = \"hunter2\"\n'''";
        assert_eq!(source(text).place(&(15..16), false).excerpt, MASK);
    }

    #[test]
    fn an_unknown_key_is_shown_where_it_is_the_problem() {
        let shown = source("pasword = \"hunter2\"").place(&(0..7), true);
        assert_eq!(shown.excerpt, "pasword = \"…\"");
        assert_eq!(&shown.excerpt[shown.mark], "pasword");
    }
}
