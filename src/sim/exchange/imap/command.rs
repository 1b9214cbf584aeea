//! IMAP commands: lines with literals in between, read into a tree of values (RFC 3501, 9).

use hyper::body::Bytes;

use super::super::connection::{Connection, Flow, Line};
use crate::sim::faults::Moment;

/// Longest line. Exchange takes several KB and gives up at about 40 KB.
const LONGEST_LINE: usize = 32_768;

/// Largest literal before the login.
const LARGEST_STRANGERS_LITERAL: usize = 16_384;

/// Largest literal after it; proofs send a GiB.
const LARGEST_LITERAL: usize = 2 << 30;

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An atom, a number, a sequence set, or a fetch item with its brackets.
    Atom(String),
    /// A quoted string or a literal.
    Text(Bytes),
    /// A parenthesised list.
    List(Vec<Value>),
}

impl Value {
    /// The text of an atom or string; lists have none.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Atom(atom) => Some(atom.clone()),
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::List(_) => None,
        }
    }

    pub(super) fn atom(&self) -> Option<&str> {
        match self {
            Self::Atom(atom) => Some(atom),
            _ => None,
        }
    }
}

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) tag: String,
    /// In upper case; `UID FETCH` and its like are one name.
    pub(super) name: String,
    pub(super) arguments: Vec<Value>,
}

impl Command {
    /// The text of one argument.
    pub(super) fn text(&self, place: usize) -> Option<String> {
        self.arguments.get(place)?.text()
    }
}

/// What came instead of a command.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) tag: String,
    /// Exchange's words behind the tag.
    pub(super) answer: &'static str,
}

/// What was read.
pub(super) type Read = Result<Command, Unreadable>;

/// Reads the next command, asking for its literals.
pub(super) async fn read(connection: &mut Connection, stranger: bool) -> Flow<Read> {
    let mut tokens = Vec::new();
    let mut first = true;
    loop {
        let Line::Text(line) = connection.line(LONGEST_LINE).await? else {
            return Ok(unreadable(&tokens, "BAD Command Error. 10"));
        };
        let literal = literal(&line);
        let text = literal
            .as_ref()
            .map_or(&line[..], |literal| line.get(..literal.at).unwrap_or_default());
        let is_append = first
            && String::from_utf8_lossy(text)
                .to_ascii_uppercase()
                .contains(" APPEND ");
        first = false;
        if tokenize(text, &mut tokens).is_none() {
            return Ok(unreadable(&tokens, "BAD Command Argument Error. 11"));
        }
        let Some(literal) = literal else {
            return Ok(build(tokens));
        };
        let largest = if stranger {
            LARGEST_STRANGERS_LITERAL
        } else {
            LARGEST_LITERAL
        };
        if literal.length > largest {
            return Ok(unreadable(&tokens, "BAD Command Argument Error. 12"));
        }
        if !literal.non_synchronising {
            connection.say("+ Ready for additional command text.");
        }
        if is_append && literal.length > 0 {
            connection.fill().await?;
            connection.at(Moment::MidData).await?;
        }
        tokens.push(Token::Text(Bytes::from(
            connection.exactly(literal.length).await?,
        )));
    }
}

/// The masked form of a command that may carry a secret, for the record.
pub(super) fn masked(command: &Command) -> String {
    let secret = matches!(command.name.as_str(), "LOGIN" | "AUTHENTICATE");
    let shown = |(place, value): (usize, &Value)| match value {
        _ if secret && (place > 0 || command.name == "LOGIN") => " ***".to_owned(),
        Value::Atom(atom) => format!(" {atom}"),
        Value::Text(text) => format!(" \"{}\"", String::from_utf8_lossy(text)),
        Value::List(_) => " (…)".to_owned(),
    };
    let arguments: String = command.arguments.iter().enumerate().map(shown).collect();
    format!("{} {}{arguments}", command.tag, command.name)
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Atom(String),
    Text(Bytes),
    Open,
    Close,
}

struct Literal {
    /// Where in the line it is announced.
    at: usize,
    length: usize,
    non_synchronising: bool,
}

/// The literal that a line announces at its end: `{n}` or, RFC 7888, `{n+}`.
fn literal(line: &[u8]) -> Option<Literal> {
    let inner = line.strip_suffix(b"}")?;
    let at = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(inner.get(at + 1..)?).ok()?;
    let (digits, non_synchronising) = match digits.strip_suffix('+') {
        Some(digits) => (digits, true),
        None => (digits, false),
    };
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let length = all_digits.then(|| digits.parse().unwrap_or(usize::MAX))?;
    Some(Literal {
        at,
        length,
        non_synchronising,
    })
}

/// Splits one line into tokens; `None` when a quoted string or bracket does not end.
fn tokenize(line: &[u8], tokens: &mut Vec<Token>) -> Option<()> {
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b' ' => after,
            b'(' => {
                tokens.push(Token::Open);
                after
            }
            b')' => {
                tokens.push(Token::Close);
                after
            }
            b'"' => quoted(after, tokens)?,
            _ => atom(rest, tokens)?,
        };
    }
    Some(())
}

fn quoted<'a>(line: &'a [u8], tokens: &mut Vec<Token>) -> Option<&'a [u8]> {
    let mut text = Vec::new();
    let mut bytes = line.iter().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'"' => {
                tokens.push(Token::Text(Bytes::from(text)));
                return line.get(place + 1..);
            }
            // Only these two may be escaped (RFC 3501, 9: quoted-specials).
            b'\\' => text.push(
                *bytes
                    .next()
                    .map(|(_, byte)| byte)
                    .filter(|byte| matches!(byte, b'"' | b'\\'))?,
            ),
            byte => text.push(*byte),
        }
    }
    None
}

/// An atom. Brackets hold together what they enclose, as in `BODY[HEADER.FIELDS (From To)]<0.10>`.
fn atom<'a>(line: &'a [u8], tokens: &mut Vec<Token>) -> Option<&'a [u8]> {
    let mut depth = 0_usize;
    let mut length = 0;
    for byte in line {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b' ' | b'(' | b')' | b'"' if depth == 0 => break,
            _ => {}
        }
        length += 1;
    }
    if depth > 0 {
        return None;
    }
    tokens.push(Token::Atom(
        String::from_utf8_lossy(line.get(..length)?).into_owned(),
    ));
    line.get(length..)
}

fn unreadable(tokens: &[Token], answer: &'static str) -> Read {
    let tag = match tokens.first() {
        Some(Token::Atom(tag)) if is_tag(tag) => tag.clone(),
        _ => "*".to_owned(),
    };
    Err(Unreadable { tag, answer })
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"+*%\\\"{}()[]".contains(&byte))
}

fn build(tokens: Vec<Token>) -> Read {
    const INCOMPLETE: &str = "BAD Command Argument Error. 12";
    let mut tag_only = Vec::new();
    let mut tokens = tokens.into_iter();
    let (Some(Token::Atom(tag)), Some(Token::Atom(mut name))) = (tokens.next(), tokens.next()) else {
        return unreadable(&tag_only, "BAD Command Error. 12");
    };
    if !is_tag(&tag) {
        return unreadable(&tag_only, "BAD Command Error. 12");
    }
    name.make_ascii_uppercase();
    tag_only.push(Token::Atom(tag.clone()));
    let Some(mut arguments) = tree(&mut tokens, false) else {
        return unreadable(&tag_only, INCOMPLETE);
    };
    if name == "UID" {
        let Some(Value::Atom(what)) = (!arguments.is_empty()).then(|| arguments.remove(0)) else {
            return unreadable(&tag_only, INCOMPLETE);
        };
        name = format!("UID {}", what.to_ascii_uppercase());
    }
    Ok(Command { tag, name, arguments })
}

fn tree(tokens: &mut impl Iterator<Item = Token>, inside: bool) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    while let Some(token) = tokens.next() {
        values.push(match token {
            Token::Atom(atom) => Value::Atom(atom),
            Token::Text(text) => Value::Text(text),
            Token::Open => Value::List(tree(tokens, true)?),
            Token::Close => return inside.then_some(values),
        });
    }
    (!inside).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Read {
        let mut tokens = Vec::new();
        match tokenize(line.as_bytes(), &mut tokens) {
            Some(()) => build(tokens),
            None => unreadable(&tokens, "BAD Command Argument Error. 11"),
        }
    }

    #[test]
    fn trees_and_brackets() {
        let command =
            parse(r#"a1 uid fetch 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (From "To")]<0.10>)"#).unwrap();
        assert_eq!((command.tag.as_str(), command.name.as_str()), ("a1", "UID FETCH"));
        let [Value::Atom(set), Value::List(items)] = &command.arguments[..] else {
            panic!("{command:?}")
        };
        assert_eq!((set.as_str(), items.len()), ("1:*", 2));
        assert_eq!(
            items[1].atom(),
            Some(r#"BODY.PEEK[HEADER.FIELDS (From "To")]<0.10>"#)
        );
    }

    #[test]
    fn refuses_what_is_no_command() {
        let wrong = [
            "",
            "a1",
            "a1 LIST \"",
            "a1 LIST (",
            "a1 LIST )",
            "a1 SELECT \"a\\b\"",
            "+ NOOP",
            "{ NOOP",
            "a1 UID",
        ];
        assert_eq!(
            wrong.iter().filter(|line| parse(line).is_err()).count(),
            wrong.len()
        );
    }

    #[test]
    fn literals_at_the_end_only() {
        let found = |line: &[u8]| literal(line).map(|it| (it.length, it.non_synchronising));
        assert_eq!(found(b"a LOGIN {5}"), Some((5, false)));
        assert_eq!(found(b"a LOGIN {5+}"), Some((5, true)));
        assert_eq!(
            found(b"a LOGIN {99999999999999999999}"),
            Some((usize::MAX, false))
        );
        for none in [
            &b"a LOGIN {}"[..],
            b"a LOGIN {-1}",
            b"a LOGIN {5} x",
            b"a LOGIN {5 }",
            b"a LOGIN \"{5}\"",
        ] {
            assert_eq!(found(none), None);
        }
    }
}
