//! docs/errors.md is what the tables in the code say: every refusal, every cause, every fix.
//!
//! After a change of the tables: `SASLGATE_BLESS=1 cargo test --test errors_page` writes the page anew.

#![allow(clippy::unwrap_used)] // a test may fail

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use rustls::CertificateError;
use saslgate::account::RefusedLogin;
use saslgate::downstream::Refusal;
use saslgate::failure::{Access, Facts, Failure, exchange, explain};
use saslgate::name::NameError;
use saslgate::oauth::aadsts;
use saslgate::pace::{Held, Missed, NoPlace};
use saslgate::provider::Protocol;
use saslgate::transport::{Distrust, Trouble};

const HEAD: &str = "# Errors

Five tables: what the mail client shows, what the log says when saslgate itself refuses, when upstream can't be reached, and what Microsoft says. Every refusal ends with a
session id such as `(session 7Q2M4K9T)`, which stands in the log beside *what* happened, *why*, and the *fix*. A running session that upstream refuses something in has `code`, `why` and
`fix` in the line that ends it.

Only what saslgate itself refuses is told as a wrong password. Whatever goes wrong behind a right one is temporary for the mail client (`4xx`, `[UNAVAILABLE]`,
`[SYS/TEMP]`) or a matter for the administrator, so that no mail client forgets a password that is right and no scanner throws a message away.

Fixes that run in PowerShell are for an Exchange administrator, on any machine with PowerShell: `Install-Module ExchangeOnlineManagement -Scope CurrentUser` once, then
`Connect-ExchangeOnline`. Whoever is none sends them the line: it can be pasted. Words in capitals
(`MAILBOX`, `OWNER`, `SENDER`, `CLIENT_ID`, `OBJECT_ID`, `TENANT`, `SIGN_IN_HOST`, `ACCOUNT`, `PERMISSION`, `PROTOCOL_SWITCH`) are filled in by the log. What isn't, because it
isn't known or holds a character that a shell would act on, is yours to fill in.

What is mended in the configuration works after a reload (`sudo kill -HUP $(pidof saslgate)`, for a container `docker kill --signal HUP NAME`; `[upstream]`, listeners and variables of the environment need a restart).
What is mended at Microsoft needs neither: saslgate asks for a token again within five minutes, and for a person at once after `saslgate sign-in`; Exchange takes up to an hour.
";

#[test]
fn the_page_says_what_the_tables_say() {
    let page = [
        HEAD.to_owned(),
        refusals(),
        local(),
        network(),
        exchange(),
        entra(),
    ]
    .join("\n");
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

/// A row of it; a bar would end the cell.
fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(text, "| {} |", cells.join(" | ")).unwrap();
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
        RefusedLogin::NotGenerated,
        RefusedLogin::UnknownDevice,
        RefusedLogin::TooManyGuesses,
        RefusedLogin::Busy,
    ];
    let no_place = |protocol, mailbox: &str, limit| {
        Failure::NoPlace(Box::new(NoPlace {
            protocol,
            mailbox: mailbox.into(),
            limit,
            holders: vec![Held {
                account: "scanner".into(),
                session: "7Q2M4K9T".into(),
                since: Duration::from_secs(35),
            }],
            missed: Missed::Patience(Duration::from_secs(20)),
        }))
    };
    let every = every.map(Failure::Login).into_iter();
    let places = [
        no_place(Protocol::Smtp, "MAILBOX", 3),
        no_place(Protocol::Imap, "MAILBOX", 15),
        Failure::Stopping,
    ];
    for failure in every.chain(places) {
        let diagnosis = explain(&failure, &Facts::default());
        row(&mut text, &[&diagnosis.what, &diagnosis.why, &diagnosis.fix]);
    }
    text
}

fn network() -> String {
    let mut text = table("When upstream can't be reached", &["what happens", "why", "fix"]);
    let every: &[(&str, Trouble<'_>)] = &[
        ("the name has no address", Trouble::UnknownName),
        ("name servers do not answer", Trouble::NoNameServer),
        ("the network is unreachable", Trouble::NoRoute),
        (
            "the name has IPv6 addresses only, and they are unreachable",
            Trouble::OnlyIpv6,
        ),
        ("the connection is refused", Trouble::Refused),
        ("the connection gets no answer", Trouble::Silent),
        ("permission to connect is denied", Trouble::Forbidden),
        ("there are too many open files", Trouble::Exhausted),
        ("the connection is ended during TLS", Trouble::HungUp),
        ("TLS gets something else for an answer", Trouble::NotTls),
        ("the TLS version is too old", Trouble::OldTls),
    ];
    for (what, trouble) in every {
        let (why, fix) = trouble.explain("outlook.office365.com", 993);
        row(&mut text, &[what, &why, &fix]);
    }
    let reasons = [
        CertificateError::UnknownIssuer,
        CertificateError::NotValidYet,
        CertificateError::Expired,
        CertificateError::NotValidForName,
        CertificateError::BadSignature,
        CertificateError::Revoked,
    ];
    for reason in reasons {
        let what = format!("the certificate is not believed: {reason:?}");
        let issuer = "Contoso TLS Inspection".into();
        let distrust = Distrust { reason, issuer };
        let (why, fix) = Trouble::Distrust(&distrust).explain("outlook.office365.com", 993);
        row(&mut text, &[&what, &why, &fix]);
    }
    text
}

fn exchange() -> String {
    let columns = ["it says", "code", "why", "fix"];
    let mut text = table("When Exchange refuses", &columns);
    for known in exchange::rows() {
        let says: Vec<_> = known
            .statuses
            .iter()
            .chain(known.phrases)
            .map(|words| format!("`{words}`"))
            .collect();
        let code = format!("`{}`", known.code);
        row(
            &mut text,
            &[
                &says.join(" "),
                &code,
                known.why,
                &known.fix.text(Access::Unknown),
            ],
        );
    }
    text
}

fn entra() -> String {
    let mut text = table("When Entra ID gives no token", &["codes", "what", "why", "fix"]);
    for known in aadsts::rows().copied().chain(aadsts::closer_rows()) {
        let codes: Vec<_> = known.codes.iter().map(|code| format!("`AADSTS{code}`")).collect();
        row(&mut text, &[&codes.join(" "), known.what, known.why, known.fix]);
    }
    text
}
