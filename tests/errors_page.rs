//! docs/errors.md is what the tables in the code say: every refusal, every cause, every fix.
//!
//! After a change of the tables: `SASLGATE_BLESS=1 cargo test --test errors_page` writes the page anew; read the difference.

#![allow(clippy::unwrap_used)] // a test may fail

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use rustls::CertificateError;
use saslgate::account::RefusedLogin;
use saslgate::downstream::Refusal;
use saslgate::failure::{Access, Facts, Failure, exchange, explain};
use saslgate::name::NameError;
use saslgate::oauth::{aadsts, words};
use saslgate::pace::{Held, Missed, NoPlace};
use saslgate::provider::{MailHost, Protocol, UpstreamTls};
use saslgate::sasl::bearer::UnusableToken;
use saslgate::transport::{Distrust, Trouble};
use saslgate::upstream::{Cause, Stage, UpstreamError};
use saslgate::wire::{Closing, Foreign};

const HEAD: &str = "# Errors

Six tables: [what the mail client shows](#what-the-mail-client-shows); what the log says [when saslgate itself refuses](#when-saslgate-refuses), and
[when upstream can't be reached](#when-upstream-cant-be-reached); what [Exchange](#when-exchange-refuses) and [Entra ID](#when-entra-id-gives-no-token) say, and
[providers without such codes](#when-another-provider-gives-no-token). Search this page for the words that you see. Every refusal ends with a
session id such as `(session 7Q2M4K9T)`, which stands in the log beside *what* happened, *why*, and the *fix*. A running session that upstream refuses something in has `code`, `why` and
`fix` in the line that ends it.

Only what saslgate itself refuses is told as a wrong password. Whatever goes wrong behind a right one is temporary for the mail client (`4xx`, `[UNAVAILABLE]`,
`[SYS/TEMP]`) or a matter for the administrator, so that no mail client forgets a password that is right and no scanner throws a message away.

Fixes that run in PowerShell are for an Exchange administrator, on any machine with PowerShell: `Install-Module ExchangeOnlineManagement -Scope CurrentUser` once, then
`Connect-ExchangeOnline`. Whoever is none sends them the line: it can be pasted. Words in capitals
(`MAILBOX`, `OWNER`, `SENDER`, `CLIENT_ID`, `OBJECT_ID`, `TENANT`, `SIGN_IN_HOST`, `ACCOUNT`, `PERMISSION`, `PROTOCOL_SWITCH`) are filled in by the log. What isn't, because it
isn't known or holds a character that a shell would act on, is yours to fill in.

What is mended in the configuration is taken by itself; `saslgate reload` (in a container `docker exec NAME saslgate reload`) takes it at once and says what has changed. `[store]`, `[health]`, `control` and variables of the environment need a restart.
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
        others(),
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
        &["sentence", "IMAP", "POP3", "SMTP", "fix"],
    );
    for refusal in Refusal::ALL {
        let codes = Protocol::ALL.map(|protocol| format!("`{}`", refusal.code(protocol)));
        row(
            &mut text,
            &[
                refusal.sentence(),
                &codes[0],
                &codes[1],
                &codes[2],
                who_looks_where(refusal),
            ],
        );
    }
    text
}

/// The sentences are fixed, so that no stranger learns anything from them: the fix is where the operator looks.
const fn who_looks_where(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Aborted => "none: the mail client gave its login up",
        Refusal::AuthenticationFailed => {
            "look the session up in the log, and its words [below](#when-saslgate-refuses); `saslgate password` makes another password"
        }
        Refusal::ContactAdmin => {
            "run `saslgate status --problems`, or `saslgate test ACCOUNT`: what is wrong at Microsoft, and the command that mends it"
        }
        Refusal::LimitReached => {
            "wait, the mail client tries again by itself; if it lasts, the log names the limit ([limits](operations.md#limits-of-exchange))"
        }
        Refusal::Malformed => {
            "update the mail client; `saslgate trace ACCOUNT` shows what it sends, if it came as far as a name"
        }
        Refusal::MechanismUnsupported => {
            "set the mail client to *normal password*, *PLAIN* or *LOGIN*; not CRAM-MD5, NTLM, APOP or OAuth"
        }
        Refusal::PasswordExpired => {
            "have the person change the password at the provider, and type the new one into the mail client"
        }
        Refusal::ShuttingDown => "wait, the mail client tries again by itself",
        Refusal::TlsRequired => {
            "switch STARTTLS or SSL/TLS on in the mail client; or name its network in `plaintext_from` of the listener"
        }
        Refusal::Unavailable => {
            "wait, the mail client tries again by itself; if it lasts, `saslgate test ACCOUNT` names the step that fails"
        }
    }
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
        Failure::AccountGone,
        Failure::BrokenPromise {
            host: exchange_host(),
            promise: "SIZE 36700160".into(),
        },
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
    text + &on_the_way()
}

fn exchange_host() -> MailHost {
    MailHost {
        name: "outlook.office365.com".into(),
        port: 993,
        tls: UpstreamTls::Implicit,
    }
}

/// What is known of a conversation with upstream that came to nothing, beside what the network did.
fn on_the_way() -> String {
    let mut text = String::new();
    let every = [
        (Stage::Resolve, Cause::Timeout),
        (Stage::Connect, Cause::Timeout),
        (Stage::Tls, Cause::Timeout),
        (Stage::Login, Cause::Timeout),
        (
            Stage::Login,
            Cause::Broken(std::io::ErrorKind::ConnectionReset.into()),
        ),
        (Stage::Login, Cause::Protocol(Closing::PeerClosed)),
        (Stage::Login, Cause::Protocol(Closing::PlaintextBeforeTls)),
        (Stage::Login, Cause::Protocol(Closing::Foreign(Foreign::Tls))),
        (Stage::Login, Cause::Protocol(Closing::Foreign(Foreign::Http))),
        (Stage::Token, Cause::UnusableToken(UnusableToken)),
    ];
    for (stage, cause) in every {
        let host = exchange_host();
        let error = UpstreamError { host, stage, cause };
        let diagnosis = explain(&Failure::Upstream(error), &Facts::default());
        row(&mut text, &[&diagnosis.what, &diagnosis.why, &diagnosis.fix]);
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

fn others() -> String {
    let columns = ["words", "what the provider does", "why", "fix"];
    let mut text = table("When another provider gives no token", &columns);
    for known in words::rows() {
        let said: Vec<_> = known.words.iter().map(|word| format!("`{word}`")).collect();
        let said = if said.is_empty() {
            "any other".to_owned()
        } else {
            said.join(" ")
        };
        row(&mut text, &[&said, known.what, known.why, known.fix]);
    }
    text
}
