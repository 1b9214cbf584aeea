//! Many sessions of one mailbox: who waits, who gives up, who is asked to make room.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::task::JoinSet;

use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, plain};
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::within;

struct Rig {
    sim: Sim,
    alice: Account,
    gate: Program,
}

impl Rig {
    async fn new(limits: &str) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let alice = Account::new(Demo::ALICE);
        let config = Config::new(&sim).account(&alice).table("limits", limits);
        let gate = Program::start(Place::new(&sim), &config).await;
        Self { sim, alice, gate }
    }

    async fn logged_in(&self, protocol: Protocol) -> MailClient {
        MailClient::logged_in(protocol, self.gate.addresses.of(protocol), &self.alice).await
    }

    /// One that has said who it is, and has no answer yet.
    async fn waiting(&self) -> MailClient {
        let address = self.gate.addresses.of(Protocol::Smtp);
        let mut client = MailClient::greeted(Protocol::Smtp, address).await;
        client.ask("EHLO scanner.example").await;
        let (login, password) = (&self.alice.login, &self.alice.password);
        client
            .say(&format!("AUTH PLAIN {}", plain(login, password)))
            .await;
        client
    }

    /// So many that are sending. Three are all places of the mailbox.
    async fn sending(&self, count: usize) -> Vec<MailClient> {
        let mut all = Vec::new();
        for _ in 0..count {
            let mut client = self.logged_in(Protocol::Smtp).await;
            assert!(client.ask(&format!("MAIL FROM:<{}>", Demo::ALICE)).await.is_yes());
            all.push(client);
        }
        all
    }

    fn most_at_once(&self) -> usize {
        let alice = self.sim.directory().mailbox(Demo::ALICE).unwrap();
        alice.most_submissions()
    }
}

/// The rest of a message whose sender is accepted.
async fn send_rest(client: &mut MailClient, subject: &str) {
    assert!(client.ask(&format!("RCPT TO:<{}>", Demo::BOB)).await.is_yes());
    client.say("DATA").await;
    assert!(client.line().await.starts_with("354 "));
    let done = client.ask(&format!("Subject: {subject}\r\n\r\ntext\r\n.")).await;
    assert!(done.is_yes(), "{done:?}");
}

#[tokio::test]
async fn exchange_sees_more_than_three_of_fifty_senders() {
    const SENDERS: usize = 50;
    let rig = Rig::new("place_seconds = 300").await;
    let address = rig.gate.addresses.of(Protocol::Smtp);
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let alice = rig.alice.clone();
        senders.spawn(async move {
            let mut client = MailClient::logged_in(Protocol::Smtp, address, &alice).await;
            assert!(client.ask(&format!("MAIL FROM:<{}>", Demo::ALICE)).await.is_yes());
            send_rest(&mut client, &number.to_string()).await;
            assert!(client.ask("QUIT").await.is_yes());
        });
    }
    let all = senders.join_all();
    within(Duration::from_secs(120), "all of them", all).await;
    assert_eq!(rig.most_at_once(), 3);
    let sent = rig.sim.exchange().sent();
    let different: BTreeSet<_> = sent.iter().map(|sent| sent.message.clone()).collect();
    assert_eq!((sent.len(), different.len()), (SENDERS, SENDERS));
}

#[tokio::test]
async fn who_finds_no_place_in_time_is_told_that_its_password_is_wrong() {
    let rig = Rig::new("place_seconds = 1\nimap_per_mailbox = 1\nidle_place_seconds = 0").await;
    let mut senders = rig.sending(3).await;
    let begun = Instant::now();
    let mut fourth = rig.waiting().await;
    let reply = fourth.reply().await;
    assert_eq!(reply.refusal(), Some(Refusal::LimitReached), "{reply:?}");
    assert!(reply.line.starts_with("454 4.7.0 "));
    assert!(begun.elapsed() >= Duration::from_secs(1), "it waited");
    let line = rig.gate.log.message(0, "login refused").await;
    let what = line["what"].as_str().unwrap();
    assert!(
        what.starts_with(&format!(
            "all 3 smtp sessions that {} may have at a time are taken, and none came free within 1 s; they are held by session ",
            Demo::ALICE
        )),
        "{what}"
    );
    assert!(line["fix"].as_str().unwrap().contains("place_seconds"));
    // The mail client may try again on the same connection, and who was sending never noticed.
    for sender in &mut senders {
        send_rest(sender, "undisturbed").await;
    }
    assert!(senders.remove(0).ask("QUIT").await.is_yes());
    assert!(
        fourth
            .log_in(&rig.alice.login, &rig.alice.password)
            .await
            .is_yes()
    );
    assert_eq!(rig.most_at_once(), 3);

    let mut imap = rig.logged_in(Protocol::Imap).await;
    imap.say("a APPEND INBOX {9}").await;
    assert!(imap.line().await.starts_with("+ "));
    let address = rig.gate.addresses.of(Protocol::Imap);
    let mut second = MailClient::greeted(Protocol::Imap, address).await;
    let reply = second.log_in(&rig.alice.login, &rig.alice.password).await;
    assert!(reply.line.starts_with("a NO [LIMIT] "), "{reply:?}");
}

#[tokio::test]
async fn who_hangs_up_keeps_its_turn() {
    let rig = Rig::new("place_seconds = 300").await;
    let mut senders = rig.sending(3).await;
    let first = rig.waiting().await;
    let mut second = rig.waiting().await;
    drop(first);
    let line = rig.gate.log.message(0, "login refused").await;
    let what = line["what"].as_str().unwrap();
    assert!(what.contains("the mail client hung up while it waited"), "{what}");
    let mut sender = senders.pop().unwrap();
    send_rest(&mut sender, "one").await;
    assert!(sender.ask("QUIT").await.is_yes());
    assert!(second.reply().await.is_yes());
}

#[tokio::test]
async fn an_idle_session_keeps_its_place_while_others_wait() {
    let rig = Rig::new("place_seconds = 300\nidle_place_seconds = 1").await;
    let mut idle = rig.logged_in(Protocol::Smtp).await;
    let mut sending = rig.sending(2).await;
    let mut fourth = rig.waiting().await;
    assert!(fourth.reply().await.is_yes());
    let told = idle.rest().await;
    assert!(
        told.starts_with("421 4.3.2 Idle while others wait to send"),
        "{told:?}"
    );
    let ended = rig.gate.log.message(0, "session ended").await;
    assert_eq!(
        ended["outcome"],
        "ended by saslgate at rest: others wait for its place"
    );
    for sender in &mut sending {
        send_rest(sender, "not ended").await;
    }
    assert!(fourth.is_relayed().await, "nobody waits any more");
    assert_eq!(rig.most_at_once(), 3);
}

#[tokio::test]
async fn a_mailbox_that_sends_much_is_told_of_for_each_message() {
    let rig = Rig::new("place_seconds = 300").await;
    let mut sender = rig.logged_in(Protocol::Smtp).await;
    let from = format!("MAIL FROM:<{}>", Demo::ALICE);
    for number in 0..30 {
        assert!(sender.ask(&from).await.is_yes());
        send_rest(&mut sender, &number.to_string()).await;
    }
    rig.gate
        .log
        .wait(0, "the second mark", |line| {
            line["what"] == "a mailbox has sent 30 messages in a minute"
        })
        .await;
    let told = rig.gate.log.since(0);
    let told: Vec<_> = told
        .iter()
        .filter(|line| line["message"] == "a mailbox sends much")
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        (&told[0]["mailbox"], &told[0]["level"]),
        (&Demo::ALICE.into(), &"WARN".into())
    );
}

/// A program that stops lets nobody in any more who waits.
#[tokio::test]
async fn who_waits_at_the_end_waits_on() {
    let mut rig = Rig::new("place_seconds = 300").await;
    let senders = rig.sending(3).await;
    let mut fourth = rig.waiting().await;
    rig.gate.signal(rustix::process::Signal::TERM);
    let told = fourth.rest().await;
    let sentence = Refusal::ShuttingDown.sentence();
    assert!(told.starts_with(&format!("421 4.3.2 {sentence}")), "{told:?}");
    drop(senders);
    assert_eq!(rig.gate.exit().await.code(), Some(0));
}
