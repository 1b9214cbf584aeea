//! The simulated Exchange over IMAP: strict before the login, a small mail server after it.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use saslgate::sim::entra::Claims;
use saslgate::sim::exchange::{AfterLogin, Announced, Generation, ImapRefusal};
use saslgate::sim::faults::Protocol;
use saslgate::sim::record::{Cause, Outcome};
use saslgate::sim::{Demo, Settings, Sim};
use sim_support::{Conversation, app_token, xoauth2};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

async fn greeted(sim: &Sim) -> Conversation {
    let mut imap = Conversation::tls(sim, sim.addresses().imap).await;
    imap.expect("* OK Microsoft Exchange IMAP4 service ready. [")
        .await;
    imap
}

async fn logged_in(sim: &Sim, mailbox: &str) -> Conversation {
    let mut imap = greeted(sim).await;
    imap.send(&format!(
        "a AUTHENTICATE XOAUTH2 {}",
        xoauth2(mailbox, &app_token(sim))
    ))
    .await;
    imap.expect("a OK AUTHENTICATE completed.").await;
    imap
}

#[tokio::test]
async fn opens_a_mailbox_with_both_forms_of_the_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    logged_in(&sim, Demo::ALICE).await;
    let mut imap = greeted(&sim).await;
    imap.send("a AUTHENTICATE xoauth2").await;
    imap.expect_exactly("+ ").await;
    imap.send(&xoauth2(Demo::ALICE, &app_token(&sim))).await;
    imap.expect_exactly("a OK AUTHENTICATE completed.").await;
    imap.send("b NAMESPACE").await;
    imap.expect_exactly("* NAMESPACE ((\"\" \"/\")) NIL NIL").await;
    imap.expect("b OK").await;
    imap.send("c AUTHENTICATE XOAUTH2").await;
    imap.expect_exactly("c BAD Command received in Invalid state.")
        .await;

    let record = sim.exchange().sessions().pop().unwrap();
    assert_eq!(record.outcome, Outcome::LoggedIn);
    assert_eq!(record.commands, ["a AUTHENTICATE xoauth2", "***"]);
    assert_eq!(record.token.unwrap().client_id, Demo::CLIENT_ID);
    assert!(!record.login_in_clear);
    assert_eq!(sim.exchange().counts().logins_ok, 2);
}

#[tokio::test]
async fn refuses_every_line_that_is_not_exact() {
    let sim = Sim::start(Settings::default()).unwrap();
    let token = app_token(&sim);
    let good = xoauth2(Demo::ALICE, &token);
    let wrong = [
        format!(
            "a AUTHENTICATE XOAUTH2 {}",
            good.trim_end_matches('=').to_owned() + "!"
        ),
        format!("a AUTHENTICATE XOAUTH2 {good} {good}"),
        format!("a AUTHENTICATE XOAUTH2 \"{good}\""),
        format!("a AUTHENTICATE PLAIN2 {good}"),
        format!("a AUTHENTICATE OAUTHBEARER {good}"),
        format!(
            "a AUTHENTICATE XOAUTH2 {}",
            xoauth2(Demo::ALICE, &format!("{token}A"))
        ),
        format!("a AUTHENTICATE XOAUTH2 {}", xoauth2("nobody@contoso.com", &token)),
        format!("a AUTHENTICATE XOAUTH2 {}", xoauth2("", &token)),
        format!(
            "a AUTHENTICATE XOAUTH2 {}",
            xoauth2(&format!(" {}", Demo::ALICE), &token)
        ),
        "a AUTHENTICATE".to_owned(),
        "a SELECT INBOX".to_owned(),
        "a CAPABILITY now".to_owned(),
        "a STARTTLS".to_owned(),
        "a NOOP\n".to_owned(),
        "a\0 NOOP".to_owned(),
        "aNOOP".to_owned(),
        "+ NOOP".to_owned(),
        "a COMPRESS DEFLATE".to_owned(),
        format!("a NOOP {}", "x".repeat(40_000)),
        format!("a AUTHENTICATE XOAUTH2 {{{}+}}\r\n{good}", good.len()),
    ];
    for line in &wrong {
        let mut imap = greeted(&sim).await;
        imap.send(line).await;
        let answer = imap.line().await;
        let refused =
            answer.starts_with("a NO ") || answer.starts_with("a BAD ") || answer.starts_with("* BAD ");
        assert!(refused, "{line:?} was answered {answer:?}");
    }
    assert_eq!((wrong.len(), sim.exchange().counts().logins_ok), (20, 0));
}

/// A token that differs from a right one, and what is wrong with it.
fn wrong_claims(sim: &Sim) -> Vec<(Claims, Cause)> {
    let right = sim.entra().app_claims(sim.directory(), Demo::CLIENT_ID).unwrap();
    let but = |change: fn(&mut Claims)| {
        let mut claims = right.clone();
        change(&mut claims);
        claims
    };
    let user = |name: &str, scope: &str| sim.entra().user_claims(sim.directory(), name, &[scope]);
    vec![
        (
            but(|it| it.audience = "https://graph.microsoft.com".into()),
            Cause::WrongAudience,
        ),
        (but(|it| it.expires = it.not_before), Cause::Expired),
        (but(|it| it.not_before = it.expires), Cause::Expired),
        (
            but(|it| it.roles = vec!["POP.AccessAsApp".into()]),
            Cause::MissingPermission,
        ),
        (but(|it| it.tenant = "another".into()), Cause::WrongTenant),
        (
            but(|it| it.object_id = "of-the-registration".into()),
            Cause::ServicePrincipalUnknown,
        ),
        (user(Demo::ALICE, "SMTP.Send"), Cause::MissingPermission),
    ]
}

#[tokio::test]
async fn judges_the_token() {
    let sim = Sim::start(Settings::default()).unwrap();
    let cases = wrong_claims(&sim);
    let log_in = async |claims: &Claims, mailbox: &str| {
        let mut imap = greeted(&sim).await;
        let token = sim.entra().mint(claims);
        imap.send(&format!(
            "a AUTHENTICATE XOAUTH2 {}",
            xoauth2(mailbox, token.reveal())
        ))
        .await;
        let answer = imap.line().await;
        (imap, answer, sim.exchange().sessions().pop().unwrap().outcome)
    };
    for (claims, cause) in &cases {
        let (_, answer, outcome) = log_in(claims, Demo::ALICE).await;
        assert_eq!(
            (answer.as_str(), outcome),
            ("a NO AUTHENTICATE failed.", Outcome::Refused(*cause))
        );
    }
    assert_eq!(cases.len(), 7);
    let user = |name: &str| {
        sim.entra()
            .user_claims(sim.directory(), name, &["IMAP.AccessAsUser.All"])
    };
    let (_, answer, outcome) = log_in(&user(Demo::BOB), Demo::ALICE).await;
    let expected = (
        "a OK AUTHENTICATE completed.",
        Outcome::NotConnected(Cause::NotTheOwner),
    );
    assert_eq!((answer.as_str(), outcome), expected);
    let (mut imap, ..) = log_in(&user(Demo::ALICE), Demo::SUPPORT).await;
    imap.send("b STATUS INBOX (MESSAGES)").await;
    imap.expect_exactly("* STATUS INBOX (MESSAGES 3)").await;
}

#[tokio::test]
async fn says_that_it_is_not_connected_twice_and_leaves() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange()
        .refusals
        .change(|refusals| refusals.imap = Some(ImapRefusal::NotConnectedBad));
    let mut imap = logged_in(&sim, Demo::ALICE).await;
    for tag in ["b", "c"] {
        imap.send(&format!("{tag} SELECT INBOX")).await;
        imap.expect_exactly(&format!("{tag} BAD User is authenticated but not connected."))
            .await;
    }
    imap.expect_exactly("* BYE Connection closed. 14").await;
    imap.expect_end().await;
    // Only the mailbox that was told so: a refusal of one mailbox comes before that of all.
    sim.exchange()
        .refusals
        .set(saslgate::sim::exchange::Refusals::default());
    let alice = sim.directory().mailbox(Demo::ALICE).unwrap();
    alice
        .refusals
        .change(|refusals| refusals.imap = Some(ImapRefusal::Reply("NO [LIMIT] no".into())));
    logged_in(&sim, Demo::BOB).await;
    let mut imap = greeted(&sim).await;
    imap.send(&format!(
        "a AUTHENTICATE XOAUTH2 {}",
        xoauth2(Demo::ALICE, &app_token(&sim))
    ))
    .await;
    imap.expect_exactly("a NO [LIMIT] no").await;
}

#[tokio::test]
async fn refuses_passwords_as_each_generation_did() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut imap = greeted(&sim).await;
    imap.send("a LOGIN alice secret").await;
    imap.expect_exactly("a NO Basic authentication is disabled.")
        .await;
    imap.expect("* BYE Microsoft Exchange Server IMAP4 server signing off.")
        .await;
    imap.expect_end().await;
    let record = sim.exchange().sessions().pop().unwrap();
    assert!(!format!("{record:?}").contains("secret"));
    sim.exchange().generation.set(Generation::Until2025);
    let mut imap = Conversation::tls(&sim, sim.addresses().imap).await;
    imap.expect("* OK The Microsoft Exchange IMAP4 service is ready. [")
        .await;
    imap.send("a LOGIN alice secret").await;
    imap.expect_exactly("a NO LOGIN failed.").await;
    imap.send("b CAPABILITY").await;
    imap.expect("* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR")
        .await;
}

#[tokio::test]
async fn sends_error_challenges_when_asked_to() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange().error_challenges.set(1);
    let mut imap = greeted(&sim).await;
    imap.send(&format!(
        "a AUTHENTICATE XOAUTH2 {}",
        xoauth2(Demo::ALICE, "nonsense")
    ))
    .await;
    imap.expect("+ eyJzdGF0dXMiOiI0MDEi").await;
    imap.send("").await;
    imap.expect_exactly("a NO AUTHENTICATE failed.").await;
}

#[tokio::test]
async fn fetches_stores_and_idles() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut imap = logged_in(&sim, Demo::ALICE).await;
    imap.send("b SELECT INBOX").await;
    imap.expect_exactly("* 3 EXISTS").await;
    imap.until("b OK [READ-WRITE] SELECT completed.").await;
    imap.send("c UID FETCH 1 (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])")
        .await;
    imap.expect_exactly("* 1 FETCH (UID 1 FLAGS () BODY[HEADER.FIELDS (Subject)] {21}")
        .await;
    imap.expect_exactly("Subject: It works").await;
    imap.expect_exactly("").await;
    imap.expect_exactly(")").await;
    imap.expect("c OK").await;
    imap.send("d STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    imap.expect("d OK").await;
    imap.send("e EXPUNGE").await;
    imap.expect_exactly("* 2 EXPUNGE").await;
    imap.expect("e OK").await;
    imap.send("f IDLE").await;
    imap.expect("+ ").await;
    sim.directory()
        .mailbox(Demo::ALICE)
        .unwrap()
        .deliver("Subject: news\r\n\r\nnews\r\n");
    imap.expect_exactly("* 3 EXISTS").await;
    imap.send("DONE").await;
    imap.expect_exactly("f OK IDLE completed.").await;
    imap.send("g IDLE").await;
    imap.expect("+ ").await;
    sim.exchange().invalidate_sessions();
    imap.expect_exactly("* BYE Session invalidated - AccessTokenExpired")
        .await;
    imap.expect_end().await;
}

#[tokio::test]
async fn hands_the_stream_over_with_what_came_behind_the_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (sender, mut handed_over) = mpsc::channel(1);
    sim.exchange().after_login.set(AfterLogin::HandOver(sender));
    let mut imap = greeted(&sim).await;
    let line = format!(
        "a AUTHENTICATE XOAUTH2 {}\r\nb SELECT",
        xoauth2(Demo::ALICE, &app_token(&sim))
    );
    imap.send_bytes(line.as_bytes()).await;
    imap.expect("a OK").await;
    let mut upstream = handed_over.recv().await.unwrap();
    assert_eq!(
        (upstream.unread.as_slice(), upstream.mailbox.as_str()),
        (&b"b SELECT"[..], Demo::ALICE)
    );
    upstream.stream.write_all(b"hello\r\n").await.unwrap();
    upstream.stream.flush().await.unwrap();
    imap.expect_exactly("hello").await;
    imap.send_bytes(b"bye").await;
    let mut got = [0; 3];
    upstream.stream.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"bye");
}

#[tokio::test]
async fn a_login_without_tls_is_refused_and_seen() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut imap = Conversation::plain(sim.addresses().imap_starttls).await;
    imap.expect("* OK").await;
    imap.send(&format!(
        "a AUTHENTICATE XOAUTH2 {}",
        xoauth2(Demo::ALICE, &app_token(&sim))
    ))
    .await;
    imap.expect("a BAD").await;
    assert!(sim.exchange().sessions().pop().unwrap().login_in_clear);

    let mut imap = Conversation::plain(sim.addresses().imap_starttls).await;
    imap.expect("* OK").await;
    imap.send("a STARTTLS").await;
    imap.expect_exactly("a OK Begin TLS negotiation now.").await;
    let mut imap = imap.start_tls(&sim).await;
    imap.send(&format!(
        "b AUTHENTICATE XOAUTH2 {}",
        xoauth2(Demo::ALICE, &app_token(&sim))
    ))
    .await;
    imap.expect("b OK").await;
    let record = sim.exchange().sessions().pop().unwrap();
    assert!(!record.login_in_clear && record.tls.is_some());
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut claims = sim.entra().app_claims(sim.directory(), Demo::CLIENT_ID).unwrap();
    claims.expires = claims.not_before + 302;
    let token = sim.entra().mint(&claims);
    let mut imap = greeted(&sim).await;
    imap.send(&format!(
        "a AUTHENTICATE XOAUTH2 {}",
        xoauth2(Demo::ALICE, token.reveal())
    ))
    .await;
    imap.expect("a OK").await;
    imap.send("b IDLE").await;
    imap.expect("+ ").await;
    imap.expect_exactly("* BYE Session invalidated - AccessTokenExpired")
        .await;
    imap.expect_end().await;
    let mut imap = logged_in(&sim, Demo::ALICE).await;
    sim.exchange().invalidate_sessions();
    imap.send("b NOOP").await;
    imap.expect_exactly("b BAD Session invalidated - AccessTokenExpired")
        .await;
    imap.expect_end().await;
}

#[tokio::test]
async fn offers_only_what_it_is_told_to_announce() {
    let sim = Sim::start(Settings::default()).unwrap();
    let words = |text: &str| Some(text.split(' ').map(str::to_owned).collect());
    sim.exchange().announced(Protocol::Imap).set(Announced {
        in_tls: words("IMAP4rev1 AUTH=XOAUTH2"),
        ..Announced::default()
    });
    let good = xoauth2(Demo::ALICE, &app_token(&sim));
    let mut imap = greeted(&sim).await;
    imap.send("a CAPABILITY").await;
    imap.expect_exactly("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2").await;
    imap.expect("a OK").await;
    imap.send(&format!("b AUTHENTICATE XOAUTH2 {good}")).await;
    imap.expect("b BAD").await;
    imap.send("c AUTHENTICATE XOAUTH2").await;
    imap.expect_exactly("+ ").await;
    imap.send(&good).await;
    imap.expect("c OK").await;
    sim.exchange().announced(Protocol::Imap).set(Announced {
        in_tls: words("IMAP4rev1 AUTH=OAUTHBEARER"),
        ..Announced::default()
    });
    let mut imap = greeted(&sim).await;
    imap.send("a AUTHENTICATE XOAUTH2").await;
    imap.expect("a NO").await;
}
