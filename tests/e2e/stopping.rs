//! The end of the program: who is told what, who may finish, how long it takes.

use std::time::Duration;

use hyper::body::Bytes;
use rustix::process::Signal;
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::net::TcpStream;

use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{until, within};

struct Rig {
    sim: Sim,
    alice: Account,
    gate: Program,
}

impl Rig {
    async fn new(drain_seconds: u32) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let alice = Account::new(Demo::ALICE);
        let config = Config::new(&sim)
            .account(&alice)
            .listeners([
                (Protocol::Imap, "off"),
                (Protocol::Pop3, "off"),
                (Protocol::Smtp, "off"),
                (Protocol::Imap, "implicit"),
            ])
            .table("server", &format!("drain = {drain_seconds}"));
        let gate = Program::start(Place::new(&sim), &config).await;
        Self { sim, alice, gate }
    }

    /// How sessions that had been logged in ended.
    fn outcomes(&self) -> Vec<String> {
        let lines = self.gate.log.since(0);
        let ended = lines.iter().filter(|line| line["message"] == "session ended");
        ended
            .map(|line| line["outcome"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sessions in which nothing is in the air; the one by IMAP waits for mail.
    async fn at_rest(&self) -> Vec<(Protocol, MailClient)> {
        let mut all = Vec::new();
        for protocol in Protocol::ALL {
            let address = self.gate.addresses.of(protocol);
            all.push((
                protocol,
                MailClient::logged_in(protocol, address, &self.alice).await,
            ));
        }
        let (_, imap) = &mut all[0];
        assert!(imap.ask("a SELECT INBOX").await.is_yes());
        imap.say("a IDLE").await;
        assert!(imap.line().await.starts_with("+ "));
        all
    }

    /// Sessions in which something is: half an APPEND, a message marked as deleted, a transaction.
    async fn in_the_air(&self) -> Vec<(Protocol, MailClient)> {
        let mut all = Vec::new();
        for protocol in Protocol::ALL {
            let address = self.gate.addresses.of(protocol);
            let mut client = MailClient::logged_in(protocol, address, &self.alice).await;
            let (command, answer) = match protocol {
                Protocol::Imap => (format!("a APPEND INBOX {{{}}}", APPENDED.len()), "+ "),
                Protocol::Pop3 => ("DELE 1".to_owned(), "+OK"),
                Protocol::Smtp => (format!("MAIL FROM:<{}>", Demo::ALICE), "250 "),
            };
            client.say(&command).await;
            let line = client.line().await;
            assert!(line.starts_with(answer), "{protocol}: {line:?}");
            all.push((protocol, client));
        }
        all
    }
}

const APPENDED: &str = "Subject: appended\r\n\r\nwhole\r\n";

/// The last message in the mailbox, and how many others there are. A demo begins with three.
fn inbox(sim: &Sim) -> (Bytes, usize) {
    let alice = sim.directory().mailbox(Demo::ALICE).unwrap();
    let mut messages = alice.messages("INBOX");
    (messages.pop().unwrap(), messages.len())
}

/// Brings to its end what was in the air.
async fn finish(protocol: Protocol, client: &mut MailClient) {
    let steps: &[&str] = match protocol {
        Protocol::Imap => &[APPENDED, "a NOOP"],
        Protocol::Pop3 => &["QUIT"],
        Protocol::Smtp => &["RCPT TO:<bob@contoso.onmicrosoft.com>"],
    };
    for step in steps {
        assert!(client.ask(step).await.is_yes(), "{protocol}: {step}");
    }
    if protocol == Protocol::Smtp {
        client.say("DATA").await;
        assert!(client.line().await.starts_with("354 "));
        assert!(client.ask("Subject: sent\r\n\r\nwhole\r\n.").await.is_yes());
    }
}

#[tokio::test]
async fn waiting_mail_clients_are_not_told_and_relays_are_cut_off() {
    let mut rig = Rig::new(600).await;
    let mut relays = rig.in_the_air().await;
    let mut waiting = Vec::new();
    for protocol in Protocol::ALL {
        let client = MailClient::greeted(protocol, rig.gate.addresses.of(protocol)).await;
        waiting.push((protocol, client));
    }

    rig.gate.signal(Signal::TERM);

    for (protocol, client) in &mut waiting {
        let goodbye = client.rest().await;
        let expected = match protocol {
            Protocol::Imap => "* BYE [UNAVAILABLE] ",
            Protocol::Pop3 => "-ERR [SYS/TEMP] ",
            Protocol::Smtp => "421 4.3.2 ",
        };
        let sentence = Refusal::ShuttingDown.sentence();
        assert!(
            goodbye.starts_with(&format!("{expected}{sentence}")),
            "{goodbye:?}"
        );
        assert_eq!(goodbye.matches("\r\n").count(), 1, "{goodbye:?}");
    }
    for protocol in Protocol::ALL {
        let refused = TcpStream::connect(rig.gate.addresses.of(protocol)).await;
        assert!(refused.is_err(), "{protocol} still accepts");
    }
    for (protocol, relay) in &mut relays {
        finish(*protocol, relay).await;
    }
    // The last relay's end is the program's: nobody waits for the rest of the ten minutes.
    assert_eq!(rig.gate.exit().await.code(), Some(0));
    rig.gate.log.message(0, "stopped").await;
    let (last, others) = inbox(&rig.sim);
    assert_eq!(
        (last.as_ref(), others),
        (APPENDED.as_bytes(), 2),
        "appended, and deleted"
    );
    assert_eq!(rig.sim.exchange().sent().len(), 1);
    let (_, smtp) = &mut relays[2];
    assert!(
        smtp.rest().await.starts_with("421 4.3.2 "),
        "told once it was done"
    );
}

#[tokio::test]
async fn sessions_at_rest_keep_the_program_running() {
    let mut rig = Rig::new(600).await;
    let mut relays = rig.at_rest().await;

    rig.gate.signal(Signal::TERM);

    for (protocol, relay) in &mut relays {
        let told = relay.rest().await;
        if *protocol == Protocol::Smtp {
            let sentence = Refusal::ShuttingDown.sentence();
            assert!(told.starts_with(&format!("421 4.3.2 {sentence}")), "{told:?}");
            assert_eq!(told.matches("\r\n").count(), 1, "{told:?}");
        } else {
            assert_eq!(told, "", "nothing is said in upstream's name");
        }
    }
    assert_eq!(rig.gate.exit().await.code(), Some(0));
    let outcomes = rig.outcomes();
    assert_eq!(outcomes, ["ended by saslgate at rest: it stops"; 3]);
}

#[tokio::test]
async fn a_relay_that_never_ends_keeps_the_program_running() {
    let mut rig = Rig::new(1).await;
    let mut relays = rig.in_the_air().await;

    rig.gate.signal(Signal::TERM);

    let exit = within(Duration::from_secs(30), "the end", rig.gate.exit()).await;
    assert_eq!(exit.code(), Some(0));
    for (_, relay) in &mut relays {
        assert_eq!(relay.rest().await, "", "nothing is said in upstream's name");
    }
    rig.sim.exchange().until(|counts, _| counts.open == 0).await;
    assert_eq!(
        rig.outcomes(),
        ["ended by saslgate"; 3],
        "each session has its line"
    );
    let (last, others) = inbox(&rig.sim);
    assert!(
        last.as_ref() != APPENDED.as_bytes() && others == 2,
        "nothing half, nothing deleted"
    );
    assert!(rig.sim.exchange().sent().is_empty());
}

#[tokio::test]
async fn a_second_signal_waits_for_the_grace_as_well() {
    for signals in [[Signal::TERM, Signal::TERM], [Signal::INT, Signal::TERM]] {
        let mut rig = Rig::new(600).await;
        let _relays = rig.in_the_air().await;
        rig.gate.signal(signals[0]);
        rig.gate.log.message(0, "stopping").await;
        rig.gate.signal(signals[1]);
        let exit = within(Duration::from_secs(30), "the end", rig.gate.exit()).await;
        assert_eq!(exit.code(), Some(0));
    }
}

#[tokio::test]
async fn a_connection_without_a_tls_hello_holds_up_the_end() {
    let mut rig = Rig::new(600).await;
    let address = rig.gate.addresses.with_tls(Protocol::Imap, "implicit");
    let silent = TcpStream::connect(address).await.unwrap();
    let mut greeted = MailClient::greeted(Protocol::Imap, rig.gate.addresses.of(Protocol::Imap)).await;

    rig.gate.signal(Signal::TERM);

    greeted.rest().await;
    let exit = within(Duration::from_secs(30), "the end", rig.gate.exit()).await;
    assert_eq!(exit.code(), Some(0));
    drop(silent);
}

#[tokio::test]
async fn a_login_under_way_is_forgotten_by_the_end() {
    let mut rig = Rig::new(600).await;
    rig.sim.entra().latency.set(Duration::from_secs(2));
    let address = rig.gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    client
        .say(&format!("a LOGIN {} {}", rig.alice.login, rig.alice.password))
        .await;
    let connections = || rig.sim.entra().connections() == 1;
    until(Duration::from_secs(30), "the token request", connections).await;

    rig.gate.signal(Signal::TERM);

    assert!(client.reply().await.is_yes());
    assert!(client.is_relayed().await);
    drop(client);
    assert_eq!(rig.gate.exit().await.code(), Some(0));
}
