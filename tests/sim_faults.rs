//! Faults happen at the moment they were planned for, on the protocol they were planned for, and leave nothing behind.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use saslgate::sim::faults::{Action, Fault, Moment, Protocol};
use saslgate::sim::record::Outcome;
use saslgate::sim::{Demo, Settings, Sim};
use sim_support::{Bytes, Conversation, app_token, trusting, xoauth2};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A peer that goes on until the connection fails.
struct Peer(BufReader<Box<dyn Bytes>>);

impl Peer {
    async fn hear(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.0.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.0.flush().await
    }

    /// Says a line and hears everything up to a line that begins with `last`.
    async fn ask(&mut self, line: &str, last: &str) -> io::Result<()> {
        self.say(line).await?;
        while !self.hear().await?.starts_with(last) {}
        Ok(())
    }

    async fn start_tls(self, sim: &Sim) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = TlsConnector::from(Arc::new(trusting(sim)))
            .connect(name, self.0.into_inner())
            .await?;
        Ok(Self(BufReader::new(Box::new(tls))))
    }
}

/// A session through every moment of its protocol, by way of STARTTLS.
async fn session(sim: &Sim, protocol: Protocol) -> io::Result<()> {
    let (good, bad) = (
        xoauth2(Demo::ALICE, &app_token(sim)),
        xoauth2(Demo::ALICE, "nonsense"),
    );
    let addresses = sim.addresses();
    let port = match protocol {
        Protocol::Imap => addresses.imap_starttls,
        Protocol::Pop3 => addresses.pop3_starttls,
        Protocol::Smtp => addresses.smtp,
    };
    let mut peer = Peer(BufReader::new(Box::new(TcpStream::connect(port).await?)));
    peer.hear().await?;
    match protocol {
        Protocol::Imap => {
            peer.ask("a CAPABILITY", "a OK").await?;
            peer.ask("b STARTTLS", "b OK").await?;
            let mut peer = peer.start_tls(sim).await?;
            peer.ask(&format!("c AUTHENTICATE XOAUTH2 {bad}"), "+ ").await?;
            peer.ask("", "c NO").await?;
            peer.ask(&format!("d AUTHENTICATE XOAUTH2 {good}"), "d OK")
                .await?;
            peer.ask("e SELECT INBOX", "e OK").await?;
            peer.ask("f FETCH 1 BODY[]", "f OK").await?;
            peer.ask("g APPEND Drafts {3}", "+").await?;
            peer.ask("abc", "g OK").await
        }
        Protocol::Pop3 => {
            peer.ask("CAPA", ".").await?;
            peer.ask("STLS", "+OK").await?;
            let mut peer = peer.start_tls(sim).await?;
            peer.ask("AUTH XOAUTH2", "+").await?;
            peer.ask(&bad, "+").await?;
            peer.ask("", "-ERR").await?;
            peer.ask("AUTH XOAUTH2", "+").await?;
            peer.ask(&good, "+OK").await?;
            peer.ask("RETR 2", "+OK").await?;
            peer.ask("QUIT", "+OK").await
        }
        Protocol::Smtp => {
            peer.ask("EHLO x", "250 ").await?;
            peer.ask("STARTTLS", "220").await?;
            let mut peer = peer.start_tls(sim).await?;
            peer.ask("EHLO x", "250 ").await?;
            peer.ask("AUTH XOAUTH2", "334").await?;
            peer.ask(&bad, "334").await?;
            peer.ask("", "535").await?;
            peer.ask("AUTH XOAUTH2", "334").await?;
            peer.ask(&good, "235").await?;
            peer.ask(&format!("MAIL FROM:<{}>", Demo::ALICE), "250").await?;
            peer.ask("RCPT TO:<x@example.org>", "250").await?;
            peer.ask("DATA", "354").await?;
            peer.ask(".", "250").await
        }
    }
}

fn has(protocol: Protocol, moment: Moment) -> bool {
    match protocol {
        Protocol::Imap => true,
        Protocol::Pop3 => !matches!(moment, Moment::MidData | Moment::AfterFinalDot),
        Protocol::Smtp => moment != Moment::MidLiteral,
    }
}

async fn all_closed(sim: &Sim) {
    sim.exchange().until(|counts, _| counts.open == 0).await;
}

async fn one_fault(protocol: Protocol, moment: Moment, action: Action) {
    let sim = Arc::new(Sim::start(Settings::default()).unwrap());
    sim.exchange().error_challenges.set(1);
    sim.exchange()
        .faults
        .plan(Fault::new(moment, action.clone()).on(protocol).times(1));
    let talk = tokio::spawn({
        let sim = Arc::clone(&sim);
        async move { session(&sim, protocol).await }
    });
    match action {
        // These hold still until the peer goes away.
        Action::Stall | Action::Garbage => {
            while sim.exchange().faults.happened() == 0 {
                assert!(
                    !talk.is_finished() || sim.exchange().faults.happened() > 0,
                    "{protocol:?} {moment:?}"
                );
                tokio::task::yield_now().await;
            }
            talk.abort();
            let _ = talk.await;
        }
        Action::Delay(_) => talk.await.unwrap().unwrap(),
        _ => assert!(talk.await.unwrap().is_err(), "{protocol:?} {moment:?} {action:?}"),
    }
    all_closed(&sim).await;
    let outcome = sim.exchange().sessions()[0].outcome.clone();
    let expected = if matches!(action, Action::Delay(_)) {
        Outcome::Ended
    } else {
        Outcome::Faulted(moment)
    };
    assert_eq!(outcome, expected, "{protocol:?} {moment:?} {action:?}");
    assert_eq!(sim.exchange().faults.happened(), 1);
    // And the next session is whole.
    session(&sim, protocol).await.unwrap();
}

async fn every_moment(action: &Action) -> usize {
    let mut cells = 0;
    for protocol in Protocol::ALL {
        for moment in Moment::ALL.into_iter().filter(|moment| has(protocol, *moment)) {
            one_fault(protocol, moment, action.clone()).await;
            cells += 1;
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_at_every_moment() {
    assert_eq!(every_moment(&Action::Reset).await, 33);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finishes_at_every_moment() {
    assert_eq!(every_moment(&Action::Finish).await, 33);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalls_at_every_moment() {
    assert_eq!(every_moment(&Action::Stall).await, 33);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn talks_garbage_at_every_moment() {
    assert_eq!(every_moment(&Action::Garbage).await, 33);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_at_every_moment() {
    assert_eq!(every_moment(&Action::Delay(Duration::from_millis(1))).await, 33);
}

#[tokio::test]
async fn floods_and_injects() {
    let sim = Sim::start(Settings::default()).unwrap();
    let flood = Action::Flood {
        unit: b"* CAPABILITY IMAP4rev1\r\n".to_vec(),
        times: 10_000,
    };
    sim.exchange()
        .faults
        .plan(Fault::new(Moment::Capability, flood).on(Protocol::Imap).times(1));
    let mut imap = Conversation::tls(&sim, sim.addresses().imap).await;
    imap.expect("* OK").await;
    imap.send("a CAPABILITY").await;
    assert_eq!(imap.until("a OK").await.len(), 10_002);

    let before_tls = Action::Inject(b"* OK hello\r\n".to_vec());
    sim.exchange()
        .faults
        .plan(Fault::new(Moment::TlsHello, before_tls).times(1));
    let stream = Box::new(TcpStream::connect(sim.addresses().imap).await.unwrap()) as Box<dyn Bytes>;
    assert!(Peer(BufReader::new(stream)).start_tls(&sim).await.is_err());
    sim.exchange()
        .until(|_, sessions| matches!(sessions[1].outcome, Outcome::TlsFailed(_)))
        .await;

    sim.exchange()
        .greeting
        .set(Some("* PREAUTH [CAPABILITY IMAP4rev1] hi".to_owned()));
    Conversation::tls(&sim, sim.addresses().imap)
        .await
        .expect_exactly("* PREAUTH [CAPABILITY IMAP4rev1] hi")
        .await;
}
