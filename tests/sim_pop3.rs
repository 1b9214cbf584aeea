//! The simulated Exchange over POP3: the token comes in a line of its own, or not at all.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use saslgate::sim::exchange::{Generation, Pop3Refusal, Refusals};
use saslgate::sim::record::{Cause, Outcome};
use saslgate::sim::{Demo, Settings, Sim};
use sim_support::{Conversation, app_token, xoauth2};

const CLOSED: &str = "-ERR Protocol error. Connection is closed. 10";
const FAILED: &str = "-ERR Authentication failure: unknown user name or bad password.";
const UNKNOWN_MECHANISM: &str = "-ERR Unrecognized authentication type.";
const WRONG_STATE: &str = "-ERR Command is not valid in this state.";

async fn greeted(sim: &Sim) -> Conversation {
    let mut pop3 = Conversation::tls(sim, sim.addresses().pop3).await;
    pop3.expect("+OK Microsoft Exchange POP3 server ready (tcpproxy/")
        .await;
    pop3
}

fn bytes_len(bytes: impl AsRef<[u8]>) -> usize {
    bytes.as_ref().len()
}

/// What the server says to the second line of a login.
async fn log_in(pop3: &mut Conversation, response: &str) -> String {
    pop3.send("AUTH XOAUTH2").await;
    pop3.expect_exactly("+ ").await;
    pop3.send(response).await;
    pop3.line().await
}

#[tokio::test]
async fn opens_a_mailbox_and_reads_it() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = sim.directory().mailbox(Demo::ALICE).unwrap();
    let raw = alice.messages("INBOX");
    let mut pop3 = greeted(&sim).await;
    let answer = log_in(&mut pop3, &xoauth2(Demo::ALICE, &app_token(&sim))).await;
    assert_eq!(answer, "+OK User successfully authenticated.");
    pop3.send("STAT").await;
    pop3.expect_exactly(&format!("+OK 3 {}", raw.iter().map(bytes_len).sum::<usize>()))
        .await;
    pop3.send("RETR 1").await;
    pop3.expect_exactly("+OK").await;
    let lines = pop3.until_dot().await;
    assert!(
        lines.contains(&"..This line begins with a dot.".to_owned()),
        "{lines:?}"
    );
    pop3.send("TOP 2 0").await;
    pop3.expect_exactly("+OK").await;
    let top = pop3.until_dot().await;
    assert_eq!(
        (top[top.len() - 2].as_str(), top[top.len() - 1].as_str()),
        ("", ".")
    );
    pop3.send("DELE 2").await;
    pop3.expect("+OK").await;
    pop3.send("UIDL").await;
    assert_eq!(pop3.until_dot().await, ["+OK", "1 15-1", "3 15-3", "."]);
    assert_eq!(alice.messages("INBOX").len(), 3);
    pop3.send("QUIT").await;
    pop3.expect("+OK").await;
    pop3.expect_end().await;
    assert_eq!(alice.messages("INBOX").len(), 2);
}

#[tokio::test]
async fn refuses_every_line_that_is_not_exact() {
    let sim = Sim::start(Settings::default()).unwrap();
    let token = app_token(&sim);
    let good = xoauth2(Demo::ALICE, &token);
    let one_line = format!("AUTH XOAUTH2 {good}");
    let long = "x".repeat(600);
    let first_lines = [
        (one_line.as_str(), CLOSED),
        ("AUTH XOAUTH2 =", CLOSED),
        ("AUTH XOAUTH2 ", CLOSED),
        (&long, CLOSED),
        ("CAPA\n", CLOSED),
        ("AUTH PLAIN", UNKNOWN_MECHANISM),
        ("AUTH OAUTHBEARER", UNKNOWN_MECHANISM),
        ("AUTH", UNKNOWN_MECHANISM),
        ("STAT", WRONG_STATE),
        ("CAPA now", WRONG_STATE),
        ("STLS", WRONG_STATE),
        ("APOP alice digest", WRONG_STATE),
        (
            "PASS secret",
            "-ERR Logon failure: unknown user name or bad password.",
        ),
    ];
    for (line, answer) in &first_lines {
        let mut pop3 = greeted(&sim).await;
        pop3.send(line).await;
        pop3.expect_exactly(answer).await;
        if *answer == CLOSED {
            pop3.expect_end().await;
        }
    }
    let responses = [
        good.trim_end_matches('=').to_owned() + "!",
        format!(" {good}"),
        "*".to_owned(),
        String::new(),
        xoauth2(Demo::ALICE, &format!("{token}A")),
        xoauth2("nobody@contoso.com", &token),
    ];
    for response in &responses {
        let mut pop3 = greeted(&sim).await;
        let answer = log_in(&mut pop3, response).await;
        assert_eq!(answer, FAILED, "{response:?}");
    }
    let counts = (
        first_lines.len(),
        responses.len(),
        sim.exchange().counts().logins_ok,
    );
    assert_eq!(counts, (13, 6, 0));
    assert!(!format!("{:?}", sim.exchange().sessions()).contains("secret"));
}

#[tokio::test]
async fn refuses_as_planned() {
    let sim = Sim::start(Settings::default()).unwrap();
    let cases = [
        (
            Pop3Refusal::Denied,
            "-ERR Authentication failure: unknown user name or bad password.",
        ),
        (Pop3Refusal::Unavailable, "-ERR [SYS/TEMP] Server Unavailable. 15"),
        (Pop3Refusal::TooManySessions, "-ERR Connection is closed. 14"),
        (Pop3Refusal::Reply("-ERR no".into()), "-ERR no"),
        (Pop3Refusal::NotConnected, "+OK User successfully authenticated."),
    ];
    let count = cases.len();
    for (refusal, expected) in cases {
        sim.exchange().refusals.set(Refusals {
            pop3: Some(refusal.clone()),
            ..Refusals::default()
        });
        let mut pop3 = greeted(&sim).await;
        assert_eq!(
            log_in(&mut pop3, &xoauth2(Demo::ALICE, &app_token(&sim))).await,
            expected
        );
        if refusal == Pop3Refusal::NotConnected {
            pop3.send("STAT").await;
            pop3.expect_exactly("-ERR Command is not valid in this state.")
                .await;
            assert_eq!(
                sim.exchange().sessions()[4].outcome,
                Outcome::NotConnected(Cause::Planned)
            );
        }
    }
    assert_eq!(count, 5);
    sim.exchange().refusals.set(Refusals::default());
    sim.exchange().pop3_longest_token.set(Some(2_000));
    let mut pop3 = greeted(&sim).await;
    let answer = log_in(&mut pop3, &xoauth2(Demo::ALICE, &app_token(&sim))).await;
    assert_eq!(answer, "-ERR Protocol error. Connection is closed. 10");
}

#[tokio::test]
async fn announces_what_its_generation_had() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut pop3 = greeted(&sim).await;
    pop3.send("CAPA").await;
    assert_eq!(
        pop3.until_dot().await,
        ["+OK", "TOP", "UIDL", "SASL XOAUTH2", "."]
    );
    sim.exchange().generation.set(Generation::Until2025);
    let mut pop3 = Conversation::plain(sim.addresses().pop3_starttls).await;
    pop3.expect("+OK The Microsoft Exchange POP3 service is ready. [")
        .await;
    pop3.send("CAPA").await;
    assert_eq!(
        pop3.until_dot().await,
        ["+OK", "TOP", "UIDL", "USER", "STLS", "."]
    );
    pop3.send("STLS").await;
    pop3.expect("+OK").await;
    let mut pop3 = pop3.start_tls(&sim).await;
    pop3.send("CAPA").await;
    assert_eq!(
        pop3.until_dot().await,
        ["+OK", "TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER", "."]
    );
    assert!(
        log_in(&mut pop3, &xoauth2(Demo::ALICE, &app_token(&sim)))
            .await
            .starts_with("+OK")
    );
}
