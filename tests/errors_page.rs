//! docs/errors.md is what the tables in the code say: every refusal, every cause, every fix.
//!
//! After a change of the tables: `SASLGATE_BLESS=1 cargo test --test errors_page` writes the page anew.

#![allow(clippy::unwrap_used)] // a test may fail

use std::fmt::Write as _;
use std::fs;

use saslgate::account::RefusedLogin;
use saslgate::downstream::Refusal;
use saslgate::failure::Failure;
use saslgate::failure::exchange::KNOWN;
use saslgate::name::NameError;
use saslgate::oauth::aadsts;
use saslgate::provider::Protocol;

const HEAD: &str = "# Errors

Three tables: what the mail client shows, what the log says when saslgate itself refuses, and what Microsoft says. Every refusal ends with a session
id such as `(session 7Q2M4K9T)`, which stands in the log beside *what* happened, *why*, and the *fix*.

Only what saslgate itself refuses is told as a wrong password. Whatever goes wrong behind a right one is temporary for the mail client (`4xx`, `[UNAVAILABLE]`,
`[SYS/TEMP]`) or a matter for the administrator, so that no mail program forgets a password that is right and no scanner throws a message away.
";

#[test]
fn the_page_says_what_the_tables_say() {
    let page = [HEAD.to_owned(), refusals(), local(), exchange(), entra()].join("\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    if std::env::var_os("SASLGATE_BLESS").is_some() {
        fs::write(path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    for (at, (is, should)) in written.lines().zip(page.lines()).enumerate() {
        assert_eq!(is, should, "docs/errors.md:{}", at + 1);
    }
    assert_eq!(written.lines().count(), page.lines().count());
}

/// A table's head.
fn table(title: &str, columns: &[&str]) -> String {
    let rule = vec!["---"; columns.len()].join("|");
    format!("## {title}\n\n| {} |\n|{rule}|\n", columns.join(" | "))
}

fn refusals() -> String {
    let mut text = table(
        "What the mail client shows",
        &["sentence", "IMAP", "POP3", "SMTP"],
    );
    for refusal in Refusal::ALL {
        let codes = Protocol::ALL.map(|protocol| format!("`{}`", refusal.code(protocol)));
        writeln!(text, "| {} | {} |", refusal.sentence(), codes.join(" | ")).unwrap();
    }
    text
}

fn local() -> String {
    let mut text = table("When saslgate refuses", &["what", "why", "fix"]);
    let every = [
        RefusedLogin::BadName(NameError::Control),
        RefusedLogin::UnknownUser,
        RefusedLogin::WrongPassword,
        RefusedLogin::NoPasswordSet,
        RefusedLogin::ProtocolNotAllowed(Protocol::Smtp),
        RefusedLogin::ForbiddenSource,
        RefusedLogin::MailboxNotAllowed,
        RefusedLogin::UnknownDevice,
        RefusedLogin::TooManyGuesses,
        RefusedLogin::Busy,
    ];
    for refused in every {
        let diagnosis = Failure::Login(refused).explain();
        writeln!(
            text,
            "| {} | {} | {} |",
            diagnosis.what, diagnosis.why, diagnosis.fix
        )
        .unwrap();
    }
    text
}

fn exchange() -> String {
    let mut text = table("When Exchange refuses", &["it says", "code", "why", "fix"]);
    for known in KNOWN {
        writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            known.phrase, known.code, known.why, known.fix
        )
        .unwrap();
    }
    text
}

fn entra() -> String {
    let mut text = table("When Entra ID gives no token", &["codes", "what", "why", "fix"]);
    for row in aadsts::TABLE {
        let codes: Vec<_> = row.codes.iter().map(|code| format!("`AADSTS{code}`")).collect();
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            codes.join(" "),
            row.what,
            row.why,
            row.fix
        )
        .unwrap();
    }
    text
}
