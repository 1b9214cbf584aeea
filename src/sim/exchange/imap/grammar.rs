//! From the bytes of a command to a tree of values (RFC 3501, 9).

use hyper::body::Bytes;

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

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Atom(String),
    Text(Bytes),
    Open,
    Close,
}

/// A literal that is to come.
pub(super) struct Literal {
    /// Where in the line it is announced.
    pub(super) at: usize,
    pub(super) length: usize,
    pub(super) non_synchronising: bool,
}

/// The literal that a line announces at its end: `{n}` or, RFC 7888, `{n+}`.
pub(super) fn literal(line: &[u8]) -> Option<Literal> {
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
pub(super) fn tokenize(line: &[u8], tokens: &mut Vec<Token>) -> Option<()> {
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

/// The values that the tokens make up; `None` when parentheses do not match.
pub(super) fn tree(tokens: &mut impl Iterator<Item = Token>, inside: bool) -> Option<Vec<Value>> {
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
