//! What an operator finds in the log when Exchange says no: a code, why, and a fix that can be pasted.

use saslgate::provider::Protocol;
use saslgate::sim::exchange::{ImapRefusal, Refusals, SendingRefusal, SmtpRefusal};
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;

async fn start(refusals: Refusals) -> (Sim, Program, Account) {
    let sim = Sim::start(Settings::default()).unwrap();
    let support = Account::new(Demo::SUPPORT);
    sim.directory()
        .mailbox(&support.login)
        .unwrap()
        .refusals
        .set(refusals);
    let config = Config::new(&sim).account(&support);
    let gate = Program::start(Place::new(&sim), &config).await;
    (sim, gate, support)
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

/// A message that claims to come from somebody else: the login was fine, so only the session's last line can say it.
#[tokio::test]
async fn a_session_that_was_refused_something_ends_with_a_fix() {
    let (_sim, gate, support) = start(Refusals {
        sending: Some(SendingRefusal::SendAsDenied),
        ..Refusals::default()
    })
    .await;
    let mut client = MailClient::logged_in(Protocol::Smtp, gate.addresses.of(Protocol::Smtp), &support).await;
    for command in [
        format!("MAIL FROM:<{}>", support.login),
        format!("RCPT TO:<{}>", Demo::ALICE),
    ] {
        assert!(client.ask(&command).await.is_yes(), "{command}");
    }
    client.ask("DATA").await;
    let refused = client.ask("Subject: hi\r\n\r\nhello\r\n.").await;
    // The mail client hears what Exchange said, to the letter.
    assert!(
        refused.line.starts_with("554 5.2.252 SendAsDenied;"),
        "{refused:?}"
    );
    client.ask("QUIT").await;
    client.hang_up().await;

    let ended = gate.log.message(0, "session ended").await;
    assert_eq!(ended["code"], "SendAsDenied");
    assert!(
        text(&ended, "upstream_said").starts_with("554 5.2.252 SendAsDenied;"),
        "{ended}"
    );
    let fix = text(&ended, "fix");
    let permit = format!(
        "-Trustee (Get-ServicePrincipal -Identity {}).Identity -AccessRights SendAs",
        Demo::CLIENT_ID
    );
    let sender = format!("set the sender in the mail client to {};", support.login);
    assert!(fix.contains(&permit) && fix.contains(&sender), "{fix}");
}

#[tokio::test]
async fn a_session_without_a_refusal_ends_without_a_fix() {
    let (_sim, gate, support) = start(Refusals::default()).await;
    let mut client = MailClient::logged_in(Protocol::Imap, gate.addresses.of(Protocol::Imap), &support).await;
    client.ask("a LOGOUT").await;
    client.hang_up().await;
    let ended = gate.log.message(0, "session ended").await;
    for absent in ["code", "why", "fix"] {
        assert!(ended.get(absent).is_none(), "{absent} in {ended}");
    }
}

#[tokio::test]
async fn a_refused_login_names_the_command_that_permits_it() {
    let (_sim, gate, support) = start(Refusals {
        imap: Some(ImapRefusal::NotConnectedBad),
        smtp: Some(SmtpRefusal::TenantDisabled),
        ..Refusals::default()
    })
    .await;
    let mailbox = format!("-Identity {}", support.login);
    let cases = [
        (Protocol::Smtp, "5.7.139", "Set-CASMailbox"),
        (Protocol::Imap, "NotConnected", "Add-MailboxPermission"),
    ];
    for (protocol, code, command) in cases {
        let mark = gate.log.mark();
        let mut client = MailClient::greeted(protocol, gate.addresses.of(protocol)).await;
        assert!(!client.log_in(&support.login, &support.password).await.is_yes());
        let refused = gate.log.message(mark, "login refused").await;
        assert_eq!(refused["code"], code);
        let fix = text(&refused, "fix");
        assert!(fix.contains(command) && fix.contains(&mailbox), "{fix}");
    }
}
