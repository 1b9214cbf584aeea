//! The language of `tests/transcripts/*.txt`.
//!
//! ```text
//! == what is shown                          a conversation begins
//! on: imap starttls                         protocol and TLS mode of the listener
//! as: alice                                 whose {user} and {password} are meant
//! C: a1 LOGIN {user} "{password}"           the mail client says a line; several in a row go out in one segment
//! C: a1 LOGIN {user} {4+}{more}             {more} at its end: the line goes on in the next C:
//! S: a1 OK [CAPABILITY *] Logged in.        the mail client hears a line; * is any text, except in a leading "* "
//! C> starts TLS    C> hangs up    S> closes
//! # why
//! ```
//!
//! In what the mail client says, `{user}`, `{password}`, `{plain}` (the message of PLAIN in base64), `{base64 TEXT}` and
//! `{0xE9}` (any bytes) are replaced.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saslgate::provider::Protocol;

use crate::support::config::Account;

/// One conversation of a file.
pub(super) struct Conversation {
    pub(super) title: String,
    pub(super) protocol: Protocol,
    pub(super) tls: String,
    pub(super) account: String,
    pub(super) steps: Vec<Step>,
}

/// One line of it, and where it stands.
pub(super) struct Step {
    pub(super) place: String,
    pub(super) does: Does,
}

/// What happens.
pub(super) enum Does {
    Say(String),
    Hear(String),
    StartTls,
    HangUp,
    Closes,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Vec<Conversation> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let mut conversations = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", at + 1);
        if let Some(title) = line.strip_prefix("== ") {
            conversations.push(Conversation {
                title: title.to_owned(),
                protocol: Protocol::Imap,
                tls: String::new(),
                account: "alice".to_owned(),
                steps: Vec::new(),
            });
        } else if !line.is_empty() && !line.starts_with('#') {
            let conversation = conversations.last_mut().expect("a line before the first ==");
            conversation.add(place, line);
        }
    }
    conversations
}

impl Conversation {
    fn add(&mut self, place: String, line: &str) {
        let does = match line.split_at_checked(3) {
            Some(("C: ", said)) => Does::Say(said.to_owned()),
            Some(("S: ", heard)) => Does::Hear(heard.to_owned()),
            _ => match line {
                "C:" => Does::Say(String::new()),
                "C> starts TLS" => Does::StartTls,
                "C> hangs up" => Does::HangUp,
                "S> closes" => Does::Closes,
                _ => return self.header(&place, line),
            },
        };
        self.steps.push(Step { place, does });
    }

    fn header(&mut self, place: &str, line: &str) {
        if let Some(listener) = line.strip_prefix("on: ") {
            let (protocol, tls) = listener.split_once(' ').unwrap();
            let known = Protocol::ALL.into_iter().find(|known| known.name() == protocol);
            self.protocol = known.unwrap_or_else(|| panic!("{place}: {protocol}?"));
            tls.clone_into(&mut self.tls);
        } else if let Some(account) = line.strip_prefix("as: ") {
            account.clone_into(&mut self.account);
        } else {
            panic!("{place}: {line}?");
        }
    }
}

/// The bytes of a line that the mail client says.
pub(super) fn said(text: &str, account: &Account) -> Vec<u8> {
    match text.strip_suffix("{more}") {
        Some(text) => expand(text, account),
        None => [&expand(text, account)[..], b"\r\n"].concat(),
    }
}

fn expand(text: &str, account: &Account) -> Vec<u8> {
    let Some((before, rest)) = text.split_once('{') else {
        return text.as_bytes().to_vec();
    };
    let end = closing(rest).unwrap_or_else(|| panic!("{{{rest}: never closed"));
    let (inside, after) = (&rest[..end], &rest[end + 1..]);
    [
        before.as_bytes(),
        &replaced(inside, account),
        &expand(after, account),
    ]
    .concat()
}

/// Where the brace closes that stands open.
fn closing(rest: &str) -> Option<usize> {
    let mut open = 1;
    rest.char_indices().find_map(|(at, c)| {
        open += i32::from(c == '{') - i32::from(c == '}');
        (open == 0).then_some(at)
    })
}

fn replaced(inside: &str, account: &Account) -> Vec<u8> {
    let Account { login, password, .. } = account;
    if let Some(text) = inside.strip_prefix("base64 ") {
        return STANDARD.encode(expand(text, account)).into_bytes();
    }
    if let Some(hex) = inside.strip_prefix("0x") {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        return (0..hex.len()).step_by(2).map(byte).collect();
    }
    match inside {
        "user" => login.clone().into_bytes(),
        "password" => password.clone().into_bytes(),
        "plain" => STANDARD.encode(format!("\0{login}\0{password}")).into_bytes(),
        "length of user" => login.len().to_string().into_bytes(),
        "length of password" => password.len().to_string().into_bytes(),
        // An IMAP literal, its length given or to be filled in.
        _ if inside.starts_with(['-', '{']) || inside.starts_with(|c: char| c.is_ascii_digit()) => {
            [b"{", &expand(inside, account)[..], b"}"].concat()
        }
        _ => panic!("{{{inside}}}?"),
    }
}

/// Whether a line is as the pattern says.
pub(super) fn fits(pattern: &str, line: &str) -> bool {
    match pattern.strip_prefix("* ") {
        Some(rest) => line.strip_prefix("* ").is_some_and(|line| matches(rest, line)),
        None => matches(pattern, line),
    }
}

fn matches(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn patterns_fit_whole_lines() {
    let cases = [
        ("a OK", "a OK", true),
        ("a OK", "a OK Done.", false),
        ("a OK", "a NO", false),
        ("a OK*", "a OK Done.", true),
        ("* OK *", "* OK ready", true),
        ("* OK *", "a1 OK ready", false),
        ("* * EXISTS", "* 3 EXISTS", true),
        ("* * EXISTS", "* 3 RECENT", false),
        ("+ ", "+", false),
        ("a *b* c", "a xbx c", true),
        ("a *b* c", "a xx c", false),
        ("(session *)", "(session 12)", true),
    ];
    for (pattern, line, expected) in cases {
        assert_eq!(fits(pattern, line), expected, "{pattern:?} {line:?}");
    }
}
