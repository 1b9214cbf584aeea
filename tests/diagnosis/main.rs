//! What an operator reads of everything that Entra ID, Exchange Online and the network are known to say: compared with a file
//! that a person has read.
//!
//! After a change of the tables: `SASLGATE_BLESS=1 cargo test --test diagnosis` writes the file anew.

#![allow(clippy::unwrap_used)] // a test may fail

mod prose;
mod replies;
mod ways;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use saslgate::account::RefusedLogin;
use saslgate::failure::{Access, Diagnosis, Facts, Failure, exchange, explain, explain_notes, explain_token};
use saslgate::name::NameError;
use saslgate::oauth::aadsts;
use saslgate::pace::{Held, Missed, NoPlace};
use saslgate::provider::{MailHost, Protocol, UpstreamTls};
use saslgate::relay::Observer;
use saslgate::upstream::handshake::{Kind, Rejection, classify};
use saslgate::upstream::{Cause, Stage, UpstreamError};

use Protocol::{Imap, Pop3, Smtp};
use replies::{LOGIN, SESSION};
use ways::ways;

fn host(protocol: Protocol) -> MailHost {
    let (name, port, tls) = match protocol {
        Imap => ("outlook.office365.com", 993, UpstreamTls::Implicit),
        Pop3 => ("outlook.office365.com", 995, UpstreamTls::Implicit),
        Smtp => ("smtp.office365.com", 587, UpstreamTls::StartTls),
    };
    MailHost {
        name: name.into(),
        port,
        tls,
    }
}

/// The facts of a login to support@contoso.com: by the app itself, by the person of that name, or by alice.
fn facts(protocol: Protocol, access: Access) -> Facts {
    let owner = if access == Access::Delegate {
        "alice@contoso.com"
    } else {
        "support@contoso.com"
    };
    Facts {
        protocol: Some(protocol),
        account: Some("support@contoso.com".into()),
        mailbox: Some("support@contoso.com".into()),
        identity: Some("support@contoso.com".into()),
        owner: Some(owner.into()),
        client_id: Some("11111111-2222-3333-4444-555555555555".into()),
        object_id: None,
        sign_in_host: None,
        tenant: Some("contoso.onmicrosoft.com".into()),
        scope: None,
        sender: None,
        access,
    }
}

fn failure(protocol: Protocol, stage: Stage, cause: Cause) -> Failure {
    Failure::Upstream(UpstreamError {
        host: host(protocol),
        stage,
        cause,
    })
}

fn told(protocol: Protocol, stage: Stage, cause: Cause) -> Diagnosis {
    explain(
        &failure(protocol, stage, cause),
        &facts(protocol, Access::AppOnly),
    )
}

fn of_code(row: &aadsts::Row, code: u64) -> Diagnosis {
    explain_token(&row.error(code), &facts(Imap, Access::Delegate))
}

fn refused(protocol: Protocol, reply: &str, kind: Kind) -> Failure {
    let rejection = Rejection {
        reply: reply.into(),
        kind,
        challenge: None,
    };
    failure(protocol, Stage::Login, Cause::Rejected(rejection))
}

fn of_login(protocol: Protocol, reply: &str, access: Access) -> Diagnosis {
    let kind = classify(protocol, reply).unwrap();
    explain(&refused(protocol, reply, kind), &facts(protocol, access))
}

/// As the relay sees it: the observer reads along and notes.
fn noted(protocol: Protocol, line: &str) -> Vec<Box<str>> {
    let mut observer = Observer::new(protocol);
    observer.mail_client_spoke(b"a2 STAT\r\n");
    observer.upstream_spoke(format!("{line}\r\n").as_bytes());
    observer.into_notes()
}

fn of_session(protocol: Protocol, line: &str, access: Access) -> Option<Diagnosis> {
    explain_notes(&noted(protocol, line), &facts(protocol, access))
}

fn section(title: &str) -> String {
    format!("{title}\n{}\n\n", "=".repeat(title.chars().count()))
}

fn entry(text: &mut String, head: &str, diagnosis: &Diagnosis) {
    writeln!(text, "{head}").unwrap();
    writeln!(text, "  what: {}", diagnosis.what).unwrap();
    writeln!(text, "  why:  {}", diagnosis.why).unwrap();
    writeln!(text, "  fix:  {}\n", diagnosis.fix).unwrap();
}

/// What is told of one reply, for an app and, where that differs, for people.
fn replies(
    title: &str,
    all: &[(Protocol, &str, &str)],
    told: impl Fn(Protocol, &str, Access) -> Diagnosis,
) -> String {
    let mut text = section(title);
    for (protocol, reply, code) in all {
        let app_only = told(*protocol, reply, Access::AppOnly);
        assert_eq!(app_only.code.as_deref(), Some(*code), "{reply}");
        entry(&mut text, &format!("{protocol}, {code}"), &app_only);
        let people = [
            (Access::Owner, "support@contoso.com signs in"),
            (Access::Delegate, "alice@contoso.com signs in for it"),
        ];
        for (access, who) in people {
            let diagnosis = told(*protocol, reply, access);
            if diagnosis.fix != app_only.fix {
                entry(&mut text, &format!("{protocol}, {code}, {who}"), &diagnosis);
            }
        }
    }
    text
}

/// Every meaning of a code, and those that are told where more than the code is known.
fn meanings() -> impl Iterator<Item = aadsts::Row> {
    aadsts::rows().copied().chain(aadsts::closer_rows())
}

fn entra() -> String {
    let mut text = section("Entra ID gives no token");
    for row in meanings() {
        let codes: Vec<String> = row.codes.iter().map(|code| format!("AADSTS{code}")).collect();
        let diagnoses = row.codes.iter().map(|code| (code, of_code(&row, *code)));
        let mut first = None;
        for (code, diagnosis) in diagnoses {
            assert_eq!(diagnosis.code, Some(format!("AADSTS{code}")));
            first.get_or_insert(diagnosis);
        }
        entry(
            &mut text,
            &format!("{} ({:?})", codes.join(" "), row.class),
            &first.unwrap(),
        );
    }
    text
}

fn local() -> String {
    let mut text = section("saslgate refuses");
    for (name, failure) in own() {
        entry(&mut text, &name, &explain(&failure, &Facts::default()));
    }
    text
}

/// Everything that saslgate says no to by itself.
fn own() -> Vec<(String, Failure)> {
    let logins = LOCAL.iter().copied();
    let mut all: Vec<_> = logins
        .map(|refused| (format!("{refused:?}"), Failure::Login(refused)))
        .collect();
    let broken = Failure::BrokenPromise {
        host: host(Imap),
        promise: "MOVE".into(),
    };
    all.push(("BrokenPromise".into(), broken));
    all.push(("AccountGone".into(), Failure::AccountGone));
    let missed = |protocol, missed| {
        Failure::NoPlace(Box::new(NoPlace {
            protocol,
            mailbox: "shared@contoso.com".into(),
            limit: 1,
            holders: vec![Held {
                account: "scanner".into(),
                session: "7Q2M4K9T".into(),
                since: Duration::from_secs(35),
            }],
            missed,
        }))
    };
    all.push((
        "NoPlace Patience".into(),
        missed(Smtp, Missed::Patience(Duration::from_secs(20))),
    ));
    all.push(("NoPlace HungUp".into(), missed(Smtp, Missed::HungUp)));
    all.push(("NoPlace Crowd".into(), missed(Imap, Missed::Crowd)));
    all.push(("Stopping".into(), Failure::Stopping));
    all
}

const LOCAL: &[RefusedLogin] = &[
    RefusedLogin::BadName(NameError::Control),
    RefusedLogin::UnknownUser,
    RefusedLogin::WrongPassword,
    RefusedLogin::NoPasswordSet,
    RefusedLogin::ProtocolNotAllowed(Smtp),
    RefusedLogin::ForbiddenSource,
    RefusedLogin::MailboxNotAllowed,
    RefusedLogin::NotGenerated,
    RefusedLogin::UnknownDevice,
    RefusedLogin::TooManyGuesses,
    RefusedLogin::Busy,
];

fn way() -> String {
    let mut text = section("Upstream is not reached");
    for (stage, cause) in ways() {
        let diagnosis = told(Imap, stage, cause);
        entry(&mut text, &format!("{stage:?}"), &diagnosis);
    }
    text
}

/// A reply that no row knows is explained by what kind of no it is.
fn unknown() -> String {
    let mut text = section("Upstream says what nobody has seen yet");
    let kinds = [
        Kind::TokenRefused,
        Kind::NotConnected,
        Kind::Denied,
        Kind::Limit,
        Kind::Temporary,
        Kind::Protocol,
    ];
    for kind in kinds {
        let failure = refused(Imap, "NO something new", kind);
        let diagnosis = explain(&failure, &facts(Imap, Access::AppOnly));
        entry(&mut text, &format!("{kind:?}"), &diagnosis);
    }
    text
}

#[test]
fn an_operator_reads_what_a_person_has_read() {
    let text = [
        entra(),
        replies("Exchange refuses a login", LOGIN, of_login),
        replies(
            "Exchange refuses something in a session",
            SESSION,
            |protocol, line, access| of_session(protocol, line, access).unwrap(),
        ),
        unknown(),
        way(),
        local(),
    ]
    .concat();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/diagnosis.txt");
    if std::env::var_os("SASLGATE_BLESS").is_some() {
        fs::write(path, &text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    for (at, (is, should)) in written.lines().zip(text.lines()).enumerate() {
        assert_eq!(is, should, "tests/golden/diagnosis.txt:{}", at + 1);
    }
    assert_eq!(written.lines().count(), text.lines().count());
}

/// Rows that no reply reaches are dead, or the replies are not all.
#[test]
fn every_row_of_exchange_is_reached_by_a_reply() {
    let unfilled = |protocol| Facts {
        protocol: Some(protocol),
        access: Access::AppOnly,
        ..Facts::default()
    };
    let mut reached: HashSet<String> = HashSet::new();
    for (protocol, reply, _) in LOGIN {
        let failure = refused(*protocol, reply, classify(*protocol, reply).unwrap());
        reached.insert(explain(&failure, &unfilled(*protocol)).fix.into_owned());
    }
    for (protocol, line, _) in SESSION {
        let known = explain_notes(&noted(*protocol, line), &unfilled(*protocol)).unwrap();
        reached.insert(known.fix.into_owned());
    }
    let missed: Vec<&str> = exchange::rows()
        .filter(|row| {
            let fix = row.fix.text(Access::AppOnly);
            let filled = [
                ("IMAP.AccessAsApp", "-ImapEnabled $true"),
                ("POP.AccessAsApp", "-PopEnabled $true"),
                ("SMTP.SendAsApp", ""),
            ];
            !filled.iter().any(|(permission, switch)| {
                let fix = fix.replace("PERMISSION", permission);
                reached.contains(&fix.replace("PROTOCOL_SWITCH", switch))
            })
        })
        .map(|row| row.code)
        .collect();
    // Only an error challenge (RFC 7628) says it, which Exchange Online does not send.
    assert_eq!(missed, ["insufficient_scope"]);
    assert_eq!(
        (exchange::rows().count(), LOGIN.len(), SESSION.len()),
        (45, 46, 45)
    );
}

#[test]
fn an_ordinary_refusal_in_a_session_is_not_explained() {
    let ordinary = [
        (Imap, "a3 NO [TRYCREATE] The requested mailbox is not available."),
        (Imap, "a4 NO [NONEXISTENT] folder 5.7.139"),
        (Pop3, "-ERR There is no such message."),
        (Smtp, "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
        (Smtp, "550 5.4.1 Recipient address rejected: [10.5.7.139]"),
    ];
    for (protocol, line) in ordinary {
        assert_eq!(of_session(protocol, line, Access::AppOnly), None, "{line}");
    }
    assert_eq!(ordinary.len(), 5);
}

/// The permission is picked under Microsoft Graph in the portal, and asking for Graph gives a token that Exchange refuses.
#[test]
fn a_token_for_the_wrong_resource_is_told_as_one() {
    let failure = refused(Imap, "NO AUTHENTICATE failed.", Kind::TokenRefused);
    let facts = Facts {
        scope: Some("https://graph.microsoft.com/.default".into()),
        ..facts(Imap, Access::AppOnly)
    };
    let diagnosis = explain(&failure, &facts);
    assert_eq!(diagnosis.code.as_deref(), Some("WrongResource"));
    assert!(diagnosis.fix.starts_with("remove `scope`"), "{}", diagnosis.fix);
}

/// What Exchange repeats of a message is what somebody wrote into it, and an administrator pastes the fix into a shell.
#[test]
fn a_sender_that_a_shell_would_act_on_is_not_filled_in() {
    let evil = "554 5.2.252 SendAsDenied; a@x not allowed to send as b@x'|Remove-Mailbox'; STOREDRV";
    let diagnosis = of_session(Smtp, evil, Access::AppOnly).unwrap();
    assert!(diagnosis.fix.contains("-Identity SENDER "), "{}", diagnosis.fix);
    assert!(!diagnosis.fix.contains("Remove-Mailbox"), "{}", diagnosis.fix);
}

#[test]
fn the_command_that_a_person_has_to_run_names_the_account() {
    let error = aadsts::row(50_173).unwrap().error(50_173);
    let diagnosis = told(Imap, Stage::Token, Cause::Token(Arc::new(error)));
    assert!(
        diagnosis.fix.ends_with("`saslgate sign-in support@contoso.com`"),
        "{}",
        diagnosis.fix
    );
}

/// What most administrators get wrong stands in the app's own token.
#[test]
fn a_known_object_id_is_filled_in() {
    let failure = refused(Imap, "NO AUTHENTICATE failed.", Kind::TokenRefused);
    let facts = Facts {
        object_id: Some("66666666-7777-8888-9999-000000000000".into()),
        ..facts(Imap, Access::AppOnly)
    };
    let fix = explain(&failure, &facts).fix;
    let command = "New-ServicePrincipal -AppId 11111111-2222-3333-4444-555555555555 -ObjectId 66666666-7777-8888-9999-000000000000;";
    assert!(fix.contains(command), "{fix}");
    assert!(!fix.contains("OBJECT_ID"), "{fix}");
}

/// In national clouds administrators consent at another host.
#[test]
fn the_page_for_consent_is_that_of_the_cloud() {
    let facts = Facts {
        sign_in_host: Some("login.microsoftonline.us".into()),
        ..facts(Imap, Access::Delegate)
    };
    let fix = explain_token(&aadsts::row(90_094).unwrap().error(90_094), &facts).fix;
    let page = "https://login.microsoftonline.us/contoso.onmicrosoft.com/adminconsent?client_id=1111";
    assert!(fix.contains(page), "{fix}");
}
