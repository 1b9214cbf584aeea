//! Bad input before a login, kind by kind, with the reply that each kind gets.
//!
//! The kinds: P1 literals without end, P2 literals in their place, P3 quoting and tags, P4 lines without end, P5 nesting,
//! P6 NUL and 8-bit, P7 line ends, P8 control characters in names, P9 shapes of PLAIN, P10 cancelling, P11 base64,
//! P12 mechanisms, P13 pipelining, P14 budgets, P15 browsers, P17 the wrong protocol, P19 mail before the login,
//! P20 who says where a connection comes from.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // a test may fail

#[cfg(feature = "demo")]
mod beside;
mod bytes;
#[path = "../dialogue/mod.rs"]
mod dialogue;
mod exchange;
mod imap;
mod order;
#[cfg(feature = "demo")]
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialogue::{End, MailClient, play_whole};
use saslgate::name::{LoginName, NameError};
use saslgate::provider::Protocol::{self, Imap, Pop3, Smtp};
use saslgate::wire::{Closing, Foreign, MAX_COMMANDS};

/// One input and all that comes of it.
struct Case {
    kind: &'static str,
    protocol: Protocol,
    input: Vec<u8>,
    /// How each line begins that is said after the greeting.
    said: Vec<String>,
    end: Ends,
}

/// How it ends.
enum Ends {
    Listening,
    Closed(Closing),
    /// With a login, of which this is told.
    Login(String),
}

const TOO_LONG: Ends = Ends::Closed(Closing::TooLong);

fn case(kind: &'static str, protocol: Protocol, input: impl AsRef<[u8]>, said: &[&str], end: Ends) -> Case {
    Case {
        kind,
        protocol,
        input: input.as_ref().to_vec(),
        said: said.iter().map(|&line| line.into()).collect(),
        end,
    }
}

fn login(mechanism: &str, user: &str, password: &str) -> Ends {
    Ends::Login(format!("{mechanism} \"{user}\" as \"\" with \"{password}\""))
}

/// What a protocol says to what is not well formed.
fn malformed(protocol: Protocol) -> &'static str {
    match protocol {
        Imap => "a BAD That is not well formed.",
        Pop3 => "-ERR That is not well formed.",
        Smtp => "501 5.5.2 That is not well formed.",
    }
}

/// How a protocol says that it is over.
fn bye(protocol: Protocol) -> &'static str {
    match protocol {
        Imap => "* BYE ",
        Pop3 => "-ERR ",
        Smtp => "421 4.7.0 ",
    }
}

/// AUTH with this behind it, and for SMTP the HELO that it needs.
fn auth(protocol: Protocol, rest: &str) -> String {
    match protocol {
        Imap => format!("a AUTHENTICATE {rest}\r\n"),
        Pop3 => format!("AUTH {rest}\r\n"),
        Smtp => format!("HELO x\r\nAUTH {rest}\r\n"),
    }
}

/// The reply to that HELO, and what follows.
fn replies(protocol: Protocol, said: &[&str]) -> Vec<String> {
    let helo = (protocol == Smtp).then_some("250 mail.example.com");
    helo.iter().chain(said).map(|&line| line.into()).collect()
}

/// The same AUTH in all three protocols.
fn auth_cases(
    kind: &'static str,
    rest: &str,
    said: impl Fn(Protocol) -> Vec<&'static str>,
    end: impl Fn() -> Ends,
) -> Vec<Case> {
    let each = Protocol::ALL.into_iter().map(|protocol| Case {
        kind,
        protocol,
        input: auth(protocol, rest).into_bytes(),
        said: replies(protocol, &said(protocol)),
        end: end(),
    });
    each.collect()
}

fn challenge(protocol: Protocol, text: &'static str) -> String {
    let mark = if protocol == Smtp { "334 " } else { "+ " };
    format!("{mark}{text}")
}

fn all() -> Vec<Case> {
    [
        imap::literals(),
        imap::quoting(),
        bytes::long_lines(),
        imap::nesting(),
        bytes::odd_bytes(),
        bytes::line_ends(),
        bytes::acting_names(),
        exchange::plain_shapes(),
        exchange::cancelling(),
        exchange::base64_forms(),
        exchange::mechanisms(),
        order::pipelining(),
        order::budgets(),
        order::strangers(),
        order::mail_before_the_login(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn check(case: &Case) {
    let played = play_whole(&MailClient::new(case.protocol), &case.input);
    let start = &case.input[..case.input.len().min(80)];
    let what = format!("{} {}: {}", case.kind, case.protocol, start.escape_ascii());
    let text = played.text();
    let mut said: Vec<&str> = text.lines().skip(1).collect();
    match &case.end {
        Ends::Listening => assert_eq!(played.end, End::Listening, "{what}"),
        Ends::Closed(why) => assert_eq!(played.end, End::Closed(why.clone()), "{what}"),
        Ends::Login(told) => {
            assert_eq!(played.end, End::Over, "{what}: {text}");
            assert!(
                played.asked()[0].starts_with(told),
                "{what}: {:?} instead of {told}",
                played.asked()
            );
            said.pop();
        }
    }
    assert_eq!(
        played.asked().len(),
        usize::from(matches!(case.end, Ends::Login(_))),
        "{what}"
    );
    assert_eq!(said.len(), case.said.len(), "{what}: {said:?}");
    for (line, expected) in said.iter().zip(&case.said) {
        assert!(
            line.starts_with(expected.as_str()),
            "{what}: {line:?} instead of {expected:?}"
        );
    }
    assert!(!text.contains(['<', '\0', '\u{1b}']), "{what}: {text:?}");
}

#[test]
fn every_kind_of_bad_input_gets_the_reply_of_its_kind() {
    let cases = all();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        check(case);
        *kinds.entry(case.kind).or_default() += 1;
    }
    let expected = [
        ("P1", 16),
        ("P10", 12),
        ("P11", 33),
        ("P12", 27),
        ("P13", 3),
        ("P14", 6),
        ("P15", 18),
        ("P17", 9),
        ("P19", 3),
        ("P2", 5),
        ("P20", 6),
        ("P3", 11),
        ("P4", 9),
        ("P5", 4),
        ("P6", 7),
        ("P7", 7),
        ("P8", 15),
        ("P9", 30),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(cases.len(), 221);
}

/// P8: the room that checks names refuses each of them before anything goes upstream.
#[test]
fn no_acting_name_becomes_a_login_name() {
    for name in bytes::ACTING_NAMES {
        assert_eq!(
            LoginName::parse(name),
            Err(NameError::Control),
            "{}",
            name.escape_ascii()
        );
    }
}

/// P13: once each, in order, unchanged.
#[test]
fn behind_the_login_every_byte_is_left_for_upstream() {
    let cases = order::pipelining();
    for case in &cases {
        let played = play_whole(&MailClient::new(case.protocol), &case.input);
        assert_eq!(played.unread, order::BEHIND.as_bytes(), "{}", case.protocol);
    }
    assert_eq!(cases.len(), 3);
}
