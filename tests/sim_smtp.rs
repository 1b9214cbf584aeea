//! The simulated Exchange over SMTP submission: TLS first, then a token, then mail that arrives byte for byte.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use saslgate::sim::exchange::{Refusals, SendingPosition, SendingRefusal, SmtpRefusal, StartTls};
use saslgate::sim::record::{Cause, Outcome};
use saslgate::sim::{Demo, Settings, Sim};
use sim_support::{Conversation, app_token, xoauth2};

async fn greeted_in_clear(sim: &Sim) -> Conversation {
    let mut smtp = Conversation::plain(sim.addresses().smtp).await;
    smtp.expect("220 SIM1P264CA0001.outlook.office365.com Microsoft ESMTP MAIL Service ready at ")
        .await;
    smtp
}

async fn ehlo(smtp: &mut Conversation) -> Vec<String> {
    smtp.send("EHLO client.example").await;
    smtp.until("250 ").await
}

async fn in_tls(sim: &Sim) -> Conversation {
    let mut smtp = greeted_in_clear(sim).await;
    assert!(ehlo(&mut smtp).await.contains(&"250-STARTTLS".to_owned()));
    smtp.send("STARTTLS").await;
    smtp.expect_exactly("220 2.0.0 SMTP server ready").await;
    let mut smtp = smtp.start_tls(sim).await;
    let lines = ehlo(&mut smtp).await;
    assert!(
        lines.contains(&"250-AUTH LOGIN XOAUTH2".to_owned()) && !lines.contains(&"250-STARTTLS".to_owned())
    );
    smtp
}

async fn log_in(smtp: &mut Conversation, response: &str) -> String {
    smtp.send("AUTH xoauth2").await;
    smtp.expect_exactly("334 ").await;
    smtp.send(response).await;
    smtp.line().await
}

async fn logged_in(sim: &Sim, mailbox: &str) -> Conversation {
    let mut smtp = in_tls(sim).await;
    assert_eq!(
        log_in(&mut smtp, &xoauth2(mailbox, &app_token(sim))).await,
        "235 2.7.0 Authentication successful"
    );
    smtp
}

/// Says each line and hears the reply that it must begin with.
async fn talk(smtp: &mut Conversation, turns: &[(&str, &str)]) {
    for (line, reply) in turns {
        smtp.send(line).await;
        smtp.expect(reply).await;
    }
}

#[tokio::test]
async fn delivers_byte_for_byte() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut smtp = logged_in(&sim, Demo::ALICE).await;
    let from = format!("MAIL FROM:<{}> SIZE=100 BODY=8BITMIME", Demo::ALICE);
    let to = format!("RCPT TO:<{}>", Demo::BOB);
    talk(
        &mut smtp,
        &[
            (&from, "250 2.1.0 Sender OK"),
            (&to, "250 2.1.5"),
            ("DATA", "354 Start mail input"),
        ],
    )
    .await;
    smtp.send_bytes(b"Subject: x\r\n\r\n..one\r\n..\r\nbare\n.\nlf \xff\r\n.\r\n")
        .await;
    smtp.expect("250 2.0.0 OK <").await;
    let expected = b"Subject: x\r\n\r\n.one\r\n.\r\nbare\n.\nlf \xff\r\n";
    let bob = sim.directory().mailbox(Demo::BOB).unwrap();
    assert_eq!(bob.messages("INBOX").last().unwrap().as_ref(), expected);
    let alice = sim.directory().mailbox(Demo::ALICE).unwrap();
    assert_eq!(alice.messages("Sent Items").last().unwrap().as_ref(), expected);

    let binary = format!("MAIL FROM:<{}> BODY=BINARYMIME", Demo::ALICE);
    talk(&mut smtp, &[(&binary, "250"), (&to, "250"), ("DATA", "503")]).await;
    smtp.send_bytes(b"BDAT 3\r\na\0\n").await;
    smtp.expect("250 2.6.0 CHUNK received OK, 3 octets").await;
    smtp.send_bytes(b"BDAT 2 LAST\r\n.\r").await;
    smtp.expect("250 2.0.0 OK <").await;
    let sent = sim.exchange().sent();
    assert_eq!((sent.len(), sent[1].message.as_ref()), (2, &b"a\0\n.\r"[..]));
    assert_eq!(
        (sent[0].sender.as_str(), sent[0].recipients.as_slice()),
        (Demo::ALICE, &[Demo::BOB.to_owned()][..])
    );
}

#[tokio::test]
async fn refuses_every_line_that_is_not_exact() {
    let sim = Sim::start(Settings::default()).unwrap();
    let good = xoauth2(Demo::ALICE, &app_token(&sim));
    let in_clear = [
        ("EHLO", "501 5.5.4"),
        ("EHLO a_b", "501 5.5.4"),
        ("EHLO [::1]", "501 5.5.4"),
        ("EHLO client.example\n", "500 5.5.2"),
        ("STARTTLS", "503 5.5.2"),
        ("AUTH XOAUTH2", "503 5.5.2"),
        ("MAIL FROM:<a@b>", "503 5.5.2"),
        ("RCPT TO:<a@b>", "503 5.5.1"),
        ("QUIT now", "501 5.5.4"),
        ("HALO", "500 5.3.3"),
    ];
    for turn in &in_clear {
        talk(&mut greeted_in_clear(&sim).await, &[*turn]).await;
    }
    let inline = format!("AUTH XOAUTH2 {good}");
    let after_tls = [
        (inline.as_str(), "500 5.5.2 Line too long"),
        ("AUTH PLAIN AGEAYg==", "504 5.7.4"),
        ("AUTH XOAUTH2 =", "535 5.7.3"),
        ("AUTH OAUTHBEARER", "504 5.7.4"),
        ("STARTTLS", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
    ];
    for turn in &after_tls {
        talk(&mut in_tls(&sim).await, &[*turn]).await;
    }
    let responses = [
        "*",
        "",
        "!",
        &xoauth2("nobody@contoso.com", &app_token(&sim)),
        &xoauth2(Demo::ALICE, "x"),
    ];
    for response in responses {
        let answer = log_in(&mut in_tls(&sim).await, response).await;
        assert!(
            answer.starts_with("535 5.7.3 Authentication unsuccessful [SIM1"),
            "{response:?}: {answer}"
        );
    }
    assert_eq!((in_clear.len(), after_tls.len(), responses.len()), (10, 6, 5));
    assert_eq!(sim.exchange().counts().logins_ok, 0);
}

#[tokio::test]
async fn wants_ehlo_and_tls_before_a_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut smtp = greeted_in_clear(&sim).await;
    talk(
        &mut smtp,
        &[
            ("HELO client.example", "250 "),
            ("STARTTLS", "503 5.5.2"),
            ("AUTH XOAUTH2", "503 5.5.2"),
        ],
    )
    .await;
    let mut smtp = greeted_in_clear(&sim).await;
    ehlo(&mut smtp).await;
    talk(
        &mut smtp,
        &[("AUTH XOAUTH2", "504 5.7.4"), ("MAIL FROM:<a@b>", "530 5.7.57")],
    )
    .await;
    assert!(sim.exchange().sessions().last().unwrap().login_in_clear);
}

#[tokio::test]
async fn refuses_passwords_after_both_prompts() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut smtp = in_tls(&sim).await;
    let turns = [
        ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
        ("YWxpY2U=", "334 UGFzc3dvcmQ6"),
        (
            "c2VjcmV0",
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [",
        ),
    ];
    talk(&mut smtp, &turns).await;
    let record = sim.exchange().sessions().pop().unwrap();
    assert_eq!(record.outcome, Outcome::Refused(Cause::Password));
    assert!(!format!("{record:?}").contains("c2VjcmV0"));
}

#[tokio::test]
async fn answers_every_row_of_the_tables() {
    let sim = Sim::start(Settings::default()).unwrap();
    let response = xoauth2(Demo::ALICE, &app_token(&sim));
    for refusal in SmtpRefusal::ALL {
        sim.exchange().refusals.set(Refusals {
            smtp: Some(refusal),
            ..Refusals::default()
        });
        let answer = log_in(&mut in_tls(&sim).await, &response).await;
        assert!(
            answer.starts_with(refusal.text()) && answer.ends_with(']'),
            "{refusal:?}: {answer}"
        );
    }
    for refusal in SendingRefusal::ALL {
        sim.exchange().refusals.set(Refusals {
            sending: Some(refusal),
            ..Refusals::default()
        });
        let mut smtp = logged_in(&sim, Demo::ALICE).await;
        let from = format!("MAIL FROM:<{}>", Demo::ALICE);
        let mut turns = vec![
            (from.as_str(), "250"),
            ("RCPT TO:<x@example.org>", "250"),
            ("DATA", "354"),
            (".", refusal.text()),
        ];
        match refusal.position() {
            SendingPosition::Mail => turns = vec![(&from, refusal.text())],
            SendingPosition::Recipient => {
                turns = vec![(&from, "250"), ("RCPT TO:<x@example.org>", refusal.text())];
            }
            SendingPosition::Message => {}
        }
        talk(&mut smtp, &turns).await;
    }
    assert_eq!((SmtpRefusal::ALL.len(), SendingRefusal::ALL.len()), (15, 19));
    assert!(sim.exchange().sent().is_empty());
}

fn user_token(sim: &Sim, name: &str) -> String {
    let claims = sim.entra().user_claims(sim.directory(), name, &["SMTP.Send"]);
    sim.entra().mint(&claims).reveal().to_owned()
}

#[tokio::test]
async fn knows_who_may_send_as_whom() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (alice, bob, app) = (
        user_token(&sim, Demo::ALICE),
        user_token(&sim, Demo::BOB),
        app_token(&sim),
    );
    let send = async |login: &str, token: &str, sender: &str, last: &str| {
        let mut smtp = in_tls(&sim).await;
        assert!(
            log_in(&mut smtp, &xoauth2(login, token)).await.starts_with("235"),
            "{login}"
        );
        let from = format!("MAIL FROM:<{sender}>");
        let turns = [
            (&*from, "250"),
            ("RCPT TO:<x@example.org>", "250"),
            ("DATA", "354"),
            (".", last),
        ];
        talk(&mut smtp, &turns).await;
    };
    send(Demo::ALICE, &alice, Demo::ALICE, "250").await;
    send(Demo::ALICE, &alice, Demo::SUPPORT, "250").await;
    send(Demo::BOB, &bob, Demo::SUPPORT, "554 5.2.252 SendAsDenied").await;
    send(Demo::BOB, &app, Demo::SUPPORT, "250").await;
    sim.directory()
        .mailbox(Demo::BOB)
        .unwrap()
        .revoke(Demo::CLIENT_ID);
    send(
        Demo::BOB,
        &app,
        Demo::BOB,
        "430 4.2.0 STOREDRV; mailbox logon failure",
    )
    .await;
}

#[tokio::test]
async fn knows_whose_login_may_submit() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = user_token(&sim, Demo::ALICE);
    // Submission wants the delegate's own name, not the shared mailbox's.
    let answer = log_in(&mut in_tls(&sim).await, &xoauth2(Demo::SUPPORT, &alice)).await;
    assert!(answer.starts_with("535 5.7.3"));
    sim.directory()
        .change_tenant(Demo::DOMAIN, |tenant| tenant.smtp_auth_disabled = true);
    let answer = log_in(&mut in_tls(&sim).await, &xoauth2(Demo::ALICE, &alice)).await;
    assert!(answer.starts_with(SmtpRefusal::TenantDisabled.text()));
    let mailbox = sim.directory().mailbox(Demo::ALICE).unwrap();
    mailbox
        .switches
        .change(|switches| switches.smtp_auth = Some(false));
    let answer = log_in(&mut in_tls(&sim).await, &xoauth2(Demo::ALICE, &alice)).await;
    assert!(answer.starts_with(SmtpRefusal::MailboxDisabled.text()));
    mailbox
        .switches
        .change(|switches| switches.smtp_auth = Some(true));
    assert!(
        log_in(&mut in_tls(&sim).await, &xoauth2(Demo::ALICE, &alice))
            .await
            .starts_with("235")
    );
}

#[tokio::test]
async fn lets_three_send_at_a_time() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(logged_in(&sim, Demo::ALICE).await);
    }
    let from = format!("MAIL FROM:<{}>", Demo::ALICE);
    let replies = [
        "250",
        "250",
        "250",
        "432 4.3.2 Concurrent connections limit exceeded.",
    ];
    for (smtp, reply) in sessions.iter_mut().zip(replies) {
        talk(smtp, &[(&from, reply)]).await;
    }
    let mut first = sessions.remove(0);
    talk(&mut first, &[("QUIT", "221 2.0.0")]).await;
    first.expect_end().await;
    talk(sessions.last_mut().unwrap(), &[(&from, "250")]).await;
}

#[tokio::test]
async fn plays_with_starttls() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange().start_tls.set(StartTls {
        announced: false,
        ..StartTls::default()
    });
    assert!(
        !ehlo(&mut greeted_in_clear(&sim).await)
            .await
            .contains(&"250-STARTTLS".to_owned())
    );
    sim.exchange().start_tls.set(StartTls {
        reply: Some("454 4.7.0 TLS not available".into()),
        ..StartTls::default()
    });
    let mut smtp = greeted_in_clear(&sim).await;
    ehlo(&mut smtp).await;
    talk(&mut smtp, &[("STARTTLS", "454 4.7.0"), ("NOOP", "250")]).await;
    sim.exchange().start_tls.set(StartTls {
        behind: b"250 injected\r\n".to_vec(),
        ..StartTls::default()
    });
    let mut smtp = greeted_in_clear(&sim).await;
    ehlo(&mut smtp).await;
    talk(&mut smtp, &[("STARTTLS", "220 2.0.0")]).await;
    smtp.expect_exactly("250 injected").await;
    let mut smtp = greeted_in_clear(&sim).await;
    ehlo(&mut smtp).await;
    smtp.send_bytes(b"STARTTLS\r\nEHLO early\r\n").await;
    sim.exchange()
        .until(|_, sessions| sessions.iter().any(|it| it.bytes_behind_starttls == 12))
        .await;
}
