//! What a mail client does with a mailbox once it is logged in: read a message, or send one.

use std::net::SocketAddr;

use saslgate::provider::Protocol;
use saslgate::sim::Sim;

use crate::support::mail_client::{MailClient, Reply};

/// The subject of the message in each mailbox.
pub(crate) const SUBJECT: &str = "Subject: Printer on fire";

pub(crate) const MESSAGE: &str =
    "From: caller@example.com\r\nSubject: Printer on fire\r\n\r\nPlease bring water.\r\n";

/// Logs in by name and password, and reads or sends.
pub(crate) async fn is_used(sim: &Sim, protocol: Protocol, at: SocketAddr, user: &str, password: &str) {
    let mut client = MailClient::greeted(protocol, at).await;
    let reply = client.log_in(user, password).await;
    assert!(reply.is_yes(), "{protocol}: {reply:?}");
    match protocol {
        Protocol::Imap => {
            yes(&client.ask("a SELECT INBOX").await);
            client.say("a FETCH 1 BODY[HEADER]").await;
            finds_subject(&mut client, "a OK").await;
        }
        Protocol::Pop3 => {
            yes(&client.ask("STAT").await);
            client.say("RETR 1").await;
            finds_subject(&mut client, ".").await;
        }
        Protocol::Smtp => sends(sim, &mut client, user).await,
    }
}

async fn finds_subject(client: &mut MailClient, last: &str) {
    let mut lines = Vec::new();
    loop {
        let line = client.line().await;
        assert!(!(line.is_empty() && lines.len() > 100), "{lines:?}");
        let is_last = line.starts_with(last);
        lines.push(line);
        if is_last {
            break;
        }
    }
    assert!(lines.iter().any(|line| line == SUBJECT), "{lines:?}");
}

async fn sends(sim: &Sim, client: &mut MailClient, from: &str) {
    let sent = || {
        sim.exchange()
            .sent()
            .iter()
            .filter(|sent| sent.sender == from)
            .count()
    };
    let before = sent();
    yes(&client.ask(&format!("MAIL FROM:<{from}>")).await);
    yes(&client.ask("RCPT TO:<caller@example.com>").await);
    assert!(client.ask("DATA").await.line.starts_with("354"));
    yes(&client
        .ask(&format!(
            "From: {from}\r\nSubject: Re: Printer on fire\r\n\r\nIt is on its way.\r\n."
        ))
        .await);
    assert_eq!(sent(), before + 1);
}

#[track_caller]
fn yes(reply: &Reply) {
    assert!(reply.is_yes(), "{reply:?}");
}
