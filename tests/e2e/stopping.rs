//! The end of the program: who is told what, who may finish, how long it takes.

use std::time::Duration;

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

    async fn relays(&self) -> Vec<MailClient> {
        let mut relays = Vec::new();
        for protocol in Protocol::ALL {
            let address = self.gate.addresses.of(protocol);
            relays.push(MailClient::logged_in(protocol, address, &self.alice).await);
        }
        relays
    }
}

#[tokio::test]
async fn waiting_mail_clients_are_not_told_and_relays_are_cut_off() {
    let mut rig = Rig::new(600).await;
    let mut relays = rig.relays().await;
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
    for relay in &mut relays {
        assert!(relay.is_relayed().await);
    }
    // The last relay's end is the program's: nobody waits for the rest of the ten minutes.
    drop(relays);
    assert_eq!(rig.gate.exit().await.code(), Some(0));
    rig.gate.log.message(0, "stopped").await;
}

#[tokio::test]
async fn a_relay_that_never_ends_keeps_the_program_running() {
    let mut rig = Rig::new(1).await;
    let mut relays = rig.relays().await;

    rig.gate.signal(Signal::TERM);

    let exit = within(Duration::from_secs(30), "the end", rig.gate.exit()).await;
    assert_eq!(exit.code(), Some(0));
    for relay in &mut relays {
        assert_eq!(relay.rest().await, "", "nothing is said in upstream's name");
    }
    rig.sim.exchange().until(|counts, _| counts.open == 0).await;
    let ended = rig
        .gate
        .log
        .since(0)
        .iter()
        .filter(|line| line["outcome"] == "ended by saslgate")
        .count();
    assert_eq!(ended, 3, "each session has its line");
}

#[tokio::test]
async fn a_second_signal_waits_for_the_grace_as_well() {
    for signals in [[Signal::TERM, Signal::TERM], [Signal::INT, Signal::TERM]] {
        let mut rig = Rig::new(600).await;
        let _relays = rig.relays().await;
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
