//! Devices that cannot authenticate: a scanner sends by its address alone, and nobody else does.

use std::net::Ipv4Addr;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol::Smtp;
use saslgate::sim::exchange::{Refusals, SmtpRefusal};
use saslgate::sim::{Demo, Settings, Sim};

use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, Reply, plain};
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Gate as _, mailbox};

const SCANNER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

struct Office {
    sim: Sim,
    scanner: Account,
    config: Config,
    gate: Program,
}

impl Office {
    async fn open() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let scanner = mailbox(&sim, "scanner");
        let config = Config::new(&sim)
            .account(&scanner)
            .account(&Account::new(Demo::ALICE))
            .listeners([(Smtp, "off")]);
        let with_map = config.clone().at_listeners(&map("127.0.0.2", &scanner.login));
        let gate = Program::start(Place::new(&sim), &with_map).await;
        Self {
            sim,
            scanner,
            config,
            gate,
        }
    }

    async fn comes_from(&self, source: Ipv4Addr) -> MailClient {
        MailClient::greeted_from(source, Smtp, self.gate.addresses.of(Smtp)).await
    }

    fn sent(&self) -> usize {
        let sent = self.sim.exchange().sent();
        sent.iter()
            .filter(|sent| sent.sender == self.scanner.login)
            .count()
    }
}

fn map(network: &str, login: &str) -> String {
    format!("devices = {{ \"{network}\" = \"{login}\" }}")
}

#[track_caller]
fn yes(reply: &Reply) {
    assert!(reply.is_yes(), "{reply:?}");
}

/// All of one mail, as far as the scanner waits for answers at all.
async fn scans(scanner: &mut MailClient, from: &str) {
    yes(&scanner.ask(&format!("MAIL FROM:<{from}>")).await);
    yes(&scanner.ask("RCPT TO:<boss@example.com>").await);
    assert!(scanner.ask("DATA").await.line.starts_with("354"));
    yes(&scanner.ask("Subject: Scan\r\n\r\n..one page\r\n.").await);
}

#[tokio::test]
async fn a_scanner_sends_by_its_address_and_the_same_from_another_is_refused() {
    let office = Office::open().await;
    let told = office
        .gate
        .log
        .lines()
        .into_iter()
        .find(|line| line.contains("without a password"));
    let expected = format!(
        "127.0.0.2/32 may send as {} without a password",
        office.scanner.login
    );
    assert!(told.is_some_and(|line| line.contains(&expected)));

    let mark = office.gate.log.mark();
    for hello in ["EHLO scanner-3", "HELO scanner-3", "HELO", "NOOP"] {
        let before = office.sent();
        let mut scanner = office.comes_from(SCANNER).await;
        yes(&scanner.ask(hello).await);
        scans(&mut scanner, &office.scanner.login).await;
        scans(&mut scanner, &office.scanner.login).await;
        assert!(scanner.ask("QUIT").await.line.starts_with("221"));
        assert_eq!(office.sent(), before + 2, "{hello}");
    }
    let line = office.gate.log.message(mark, "logged in").await;
    assert_eq!(line["mechanism"], "network", "{line}");
    assert_eq!(
        line["account"].as_str(),
        Some(office.scanner.login.as_str()),
        "{line}"
    );
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.2:"), "{line}");
    assert!(line.get("via").is_none(), "{line}");

    let (mark, before) = (office.gate.log.mark(), office.sent());
    for _ in 0..3 {
        let mut stranger = office.comes_from(STRANGER).await;
        yes(&stranger.ask("EHLO scanner-3").await);
        let refused = stranger
            .ask(&format!("MAIL FROM:<{}>", office.scanner.login))
            .await;
        assert_eq!(refused.line, "530 5.7.0 Authentication required.");
        yes(&stranger.ask("QUIT").await);
        assert_eq!(stranger.rest().await, "");
    }
    let line = office.gate.log.message(mark, "mail refused").await;
    let fix = line["fix"].as_str().unwrap();
    assert!(fix.contains("devices = { \"127.0.0.3\" = \"LOGIN\" }"), "{line}");
    assert_eq!(office.sent(), before);
    // Each session's last line stands behind what was told of it.
    office
        .gate
        .log
        .wait(mark, "three ends", |_| {
            let lines = office.gate.log.since(mark);
            let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
            count("session ended without a login") == 3 && count("mail refused") == 1
        })
        .await;
}

/// What was sent behind MAIL without waiting is upstream's, to the byte.
#[tokio::test]
async fn a_scanner_that_does_not_wait_for_answers_is_served() {
    let office = Office::open().await;
    let mut scanner = office.comes_from(SCANNER).await;
    let from = &office.scanner.login;
    scanner
        .say_bytes(
            format!("EHLO scanner-3\r\nMAIL FROM:<{from}>\r\nRCPT TO:<boss@example.com>\r\nDATA\r\n")
                .as_bytes(),
        )
        .await;
    yes(&scanner.reply().await);
    yes(&scanner.reply().await);
    yes(&scanner.reply().await);
    assert!(scanner.reply().await.line.starts_with("354"));
    yes(&scanner.ask("Subject: Scan\r\n\r\nTwo pages\r\n.").await);
    assert_eq!(office.sent(), 1);
}

#[tokio::test]
async fn who_has_a_password_logs_in_at_the_same_listener() {
    let office = Office::open().await;
    for source in [SCANNER, STRANGER] {
        let mut client = office.comes_from(source).await;
        yes(&client.ask("EHLO pc").await);
        let shown = plain(&office.scanner.login, &office.scanner.password);
        yes(&client.ask(&format!("AUTH PLAIN {shown}")).await);
        assert!(client.is_relayed().await);
    }
}

/// What the operator can repair is temporary, so that a scanner keeps its message.
#[tokio::test]
async fn upstream_trouble_is_told_so_that_a_scanner_tries_again() {
    let office = Office::open().await;
    let refusals = Refusals {
        imap: None,
        pop3: None,
        smtp: Some(SmtpRefusal::TenantDisabled),
        sending: None,
    };
    let opened = office.sim.directory().mailbox(&office.scanner.login).unwrap();
    opened.refusals.set(refusals);
    let mut scanner = office.comes_from(SCANNER).await;
    yes(&scanner.ask("HELO scanner-3").await);
    let refused = scanner
        .ask(&format!("MAIL FROM:<{}>", office.scanner.login))
        .await;
    assert_eq!(refused.refusal(), Some(Refusal::ContactAdmin), "{refused:?}");
    assert!(refused.line.starts_with("454 4.7.0 "), "{refused:?}");
    assert!(scanner.ask("DATA").await.line.starts_with("503 "));
    yes(&scanner.ask("QUIT").await);
}

#[tokio::test]
async fn a_session_ends_with_its_entry_and_others_go_on() {
    let mut office = Office::open().await;
    let login = office.scanner.login.clone();
    let mut scanner = office.comes_from(SCANNER).await;
    scans(&mut scanner, &login).await;

    let same = office.config.clone().at_listeners(&map("127.0.0.0/8", &login));
    office.gate.reload(&same).await;
    scans(&mut scanner, &login).await;

    let without = office.config.clone();
    office.gate.reload(&without).await;
    assert_eq!(scanner.rest().await, "");
    let mut scanner = office.comes_from(SCANNER).await;
    let refused = scanner.ask(&format!("MAIL FROM:<{login}>")).await;
    assert!(refused.line.starts_with("530 5.7.0 "), "{refused:?}");
    assert_eq!(office.sent(), 2);
}
