//! The form of every text: plain sentences, and fixes that begin with what to do.

use std::collections::HashMap;

use saslgate::failure::{Access, Facts, exchange, explain};
use saslgate::provider::Protocol::Imap;

use super::{meanings, own, told};
use crate::ways::ways;

/// Every fix there is, with what it is for.
fn fixes() -> Vec<(String, String)> {
    let codes = meanings().map(|row| (format!("AADSTS{}", row.codes[0]), row.fix.to_owned()));
    let mut all: Vec<_> = codes.collect();
    for row in exchange::rows() {
        for access in [Access::AppOnly, Access::Owner, Access::Delegate] {
            all.push((row.code.to_owned(), row.fix.text(access).into_owned()));
        }
    }
    for (stage, cause) in ways() {
        let name = format!("{stage:?} {cause}");
        all.push((name, told(Imap, stage, cause).fix.into_owned()));
    }
    for (name, failure) in own() {
        let fix = explain(&failure, &Facts::default()).fix;
        all.push((name, fix.into_owned()));
    }
    all
}

/// What a fix may begin with: something that somebody does.
const VERBS: &[&str] = &[
    "add",
    "allow",
    "ask",
    "assign",
    "begin",
    "bring",
    "change",
    "check",
    "choose",
    "close",
    "compare",
    "copy",
    "correct",
    "create",
    "empty",
    "enter",
    "exclude",
    "exempt",
    "extend",
    "find",
    "get",
    "give",
    "have",
    "keep",
    "leave",
    "let",
    "log",
    "look",
    "make",
    "move",
    "open",
    "permit",
    "point",
    "press",
    "put",
    "raise",
    "register",
    "remove",
    "renew",
    "replace",
    "report",
    "run",
    "send",
    "set",
    "sign",
    "split",
    "start",
    "stop",
    "switch",
    "synchronise",
    "tick",
    "try",
    "unblock",
    "update",
    "upload",
    "use",
    "wait",
    "write",
];

#[test]
fn every_fix_begins_with_what_to_do() {
    let fixes = fixes();
    for (of, fix) in &fixes {
        let first = fix.split([' ', ':', ',']).next().unwrap();
        assert!(VERBS.contains(&first), "{of}: {fix}");
        assert!(!fix.ends_with('.') && fix.len() < 800, "{of}: {fix}");
    }
    assert_eq!(fixes.len(), 273);
}

/// Each meaning has a way out of its own; two that end in the same words are one, or one of them is not thought through.
#[test]
fn no_fix_is_shared_without_a_reason() {
    let mut of: HashMap<String, Vec<String>> = HashMap::new();
    for (name, fix) in fixes() {
        let names = of.entry(fix).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut shared: Vec<Vec<String>> = of.into_values().filter(|names| names.len() > 1).collect();
    for names in &mut shared {
        names.sort();
    }
    shared.sort();
    let lookup = |words: &str| {
        format!("Resolve the name can't be resolved: failed to lookup address information: {words}")
    };
    let reasons = [
        // One refusal, as two protocols say it; for an app, an owner, and a delegate.
        vec!["5.7.3".to_owned(), "AuthenticateFailed".into()],
        vec!["5.7.3".to_owned(), "AuthenticateFailed".into()],
        vec!["5.7.3".to_owned(), "AuthenticateFailed".into()],
        // The words of three C libraries, and none at all.
        vec![
            "Connect no connection: the name has no address".to_owned(),
            lookup("Name does not resolve"),
            lookup("Name or service not known"),
            lookup("No address associated with hostname"),
        ],
        vec![
            lookup("Temporary failure in name resolution"),
            lookup("Try again"),
        ],
    ];
    assert_eq!(shared, reasons);
}

#[test]
fn every_row_is_in_plain_prose() {
    let texts = meanings()
        .flat_map(|row| [row.what, row.why, row.fix].map(str::to_owned))
        .chain(exchange::rows().flat_map(|row| {
            [
                row.why.to_owned(),
                row.fix.text(Access::AppOnly).into_owned(),
                row.fix.text(Access::Owner).into_owned(),
                row.fix.text(Access::Delegate).into_owned(),
            ]
        }));
    let mut seen = 0;
    for text in texts {
        seen += 1;
        assert!(!text.is_empty() && !text.ends_with(['.', ' ']), "{text}");
        assert!(
            !text.contains(['\u{2013}', '\u{2014}']) && !text.contains("  "),
            "{text}"
        );
        assert!(!text.contains("mail program"), "{text}");
    }
    assert_eq!(seen, 441);
}
