//! IMAP commands: lines with literals in between.

use hyper::body::Bytes;

use super::super::connection::{Connection, Flow, Line};
pub(super) use super::grammar::Value;
use super::grammar::{Token, literal, tokenize, tree};
use crate::sim::faults::Moment;

/// Longest line. Exchange takes several KB and gives up at about 40 KB.
const LONGEST_LINE: usize = 32_768;

/// Largest literal before the login.
const LARGEST_STRANGERS_LITERAL: usize = 16_384;

/// Largest literal after it; proofs send a GiB.
const LARGEST_LITERAL: usize = 2 << 30;

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
