//! Every refusal, as every protocol says it, wherever it can come: compared with a table that a person has read.

#[cfg(test)]
mod dialogue;

use std::fmt::Write;

use dialogue::{Machine, MailClient, Settled};
use saslgate::downstream::{Downstream, Refusal};
use saslgate::provider::Protocol;
use saslgate::wire::{Limits, Step};

/// Where a refusal comes.
const POSITIONS: &[&str] = &["connect", "login", "auth", "last", "idle"];

fn said(dialogue: &mut dyn Downstream) -> String {
    let mut bytes = Vec::new();
    loop {
        match dialogue.step() {
            Step::Write(written) => bytes.extend(written),
            Step::Close(why) => {
                let text = String::from_utf8_lossy(&bytes);
                return format!("{text}({why})\r\n");
            }
            _ => return String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

fn login(protocol: Protocol, position: &str) -> &'static [u8] {
    match (protocol, position) {
        (Protocol::Imap, "auth") => b"a AUTHENTICATE PLAIN AGJvYgBwdw==\r\n",
        (Protocol::Imap, _) => b"a LOGIN bob pw\r\n",
        (Protocol::Pop3, "auth") => b"AUTH PLAIN AGJvYgBwdw==\r\n",
        (Protocol::Pop3, _) => b"USER bob\r\nPASS pw\r\n",
        (Protocol::Smtp, _) => b"EHLO pc\r\nAUTH PLAIN AGJvYgBwdw==\r\n",
    }
}

/// What a mail client hears of one refusal.
fn heard(protocol: Protocol, position: &str, refusal: Refusal) -> String {
    let mut machine = MailClient::new(protocol);
    machine.answers = vec![Some(refusal)];
    let attempts = if position == "last" { 1 } else { 3 };
    machine.limits = Limits {
        attempts,
        ..machine.limits
    };
    if position == "connect" {
        return format!("{}\r\n", refusal.greeting(protocol, "s1"));
    }
    let mut dialogue = machine.start();
    if position == "idle" {
        said(&mut *dialogue);
        dialogue.shut_down();
        return said(&mut *dialogue);
    }
    dialogue.receive(login(protocol, position));
    loop {
        match dialogue.step() {
            Step::Event(request) => match machine.settle(0, dialogue, request).1 {
                Settled::GoesOn(mut same) => return said(&mut *same),
                Settled::Over { .. } => unreachable!("it was refused"),
            },
            Step::Write(_) => {}
            other => unreachable!("{other:?}"),
        }
    }
}

fn table() -> (String, usize) {
    let mut table = String::new();
    let mut cases = 0;
    for refusal in Refusal::ALL {
        let _ = writeln!(table, "{refusal:?}");
        for protocol in Protocol::ALL {
            for position in POSITIONS {
                // Only a stop comes unasked.
                if *position == "idle" && refusal != Refusal::ShuttingDown {
                    continue;
                }
                cases += 1;
                for line in heard(protocol, position, refusal).lines() {
                    let _ = writeln!(table, "  {:<5}{position:<8}{line}", protocol.name());
                }
            }
        }
        table.push('\n');
    }
    (table, cases)
}

/// To change the table: `SASLGATE_BLESS=1 cargo test --test refusal_table`, and read the difference.
#[test]
fn refusals_are_said_as_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/refusals.txt");
    let (table, cases) = table();
    assert_eq!(cases, 10 * 3 * 4 + 3);
    if std::env::var_os("SASLGATE_BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    for (ours, golden) in table.lines().zip(golden.lines()) {
        assert_eq!(ours, golden);
    }
    assert_eq!(table, golden);
}

/// RFC 5530 3, with RFC 3501 7.1 for the forms.
#[test]
fn imap_uses_registered_response_codes() {
    let codes = [
        "AUTHENTICATIONFAILED",
        "CONTACTADMIN",
        "EXPIRED",
        "LIMIT",
        "PRIVACYREQUIRED",
        "UNAVAILABLE",
    ];
    for refusal in Refusal::ALL {
        let code = refusal.code(Protocol::Imap);
        let (status, code) = code.split_once(' ').unwrap_or((code, ""));
        assert!(["NO", "BAD", "BYE"].contains(&status), "{code}");
        let code = code.trim_start_matches('[').trim_end_matches(']');
        assert!(code.is_empty() || codes.contains(&code), "{code}");
    }
}

/// RFC 2449 8 and RFC 3206 4 and 5.
#[test]
fn pop3_uses_registered_response_codes() {
    for refusal in Refusal::ALL {
        let code = refusal.code(Protocol::Pop3);
        assert!(
            ["-ERR", "-ERR [AUTH]", "-ERR [SYS/PERM]", "-ERR [SYS/TEMP]"].contains(&code),
            "{code}"
        );
    }
}

/// RFC 2034 4: the class of the enhanced code is the first digit of the reply code.
#[test]
fn smtp_codes_agree_with_their_enhanced_codes() {
    for refusal in Refusal::ALL {
        let code = refusal.code(Protocol::Smtp);
        let (reply, enhanced) = code.split_once(' ').unwrap();
        assert_eq!(reply.len(), 3, "{code}");
        assert_eq!(reply[..1], enhanced[..1], "{code}");
        assert_eq!(enhanced.split('.').count(), 3, "{code}");
    }
}

/// RFC 5321 4.5.3.1.5 and RFC 2449 4 allow 512 bytes with CRLF; nothing in a reply may look like markup.
#[test]
fn every_line_is_short_and_plain() {
    for line in table().0.lines() {
        assert!(line.len() < 510, "{line}");
        assert!(
            line.bytes()
                .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'<'),
            "{line}"
        );
    }
}
