//! More mail clients than there is room for.

use std::time::{Duration, Instant};

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};

use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;

/// A connection that found no room was once kept for a minute if it said nothing where TLS comes first: limits held
/// for everybody but those whom they are for.
#[tokio::test]
async fn who_finds_no_room_is_turned_away_soon_even_if_the_tls_hello_never_comes() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners(Protocol::ALL.map(|protocol| (protocol, "implicit")))
        .table("limits", "connections = 1");
    let gate = InProcess::start(Place::new(&sim), &config);
    let address = |protocol| gate.addresses.with_tls(protocol, "implicit");
    let holder = MailClient::connect(Protocol::Imap, address(Protocol::Imap)).await;
    let mut holder = holder.start_tls(&gate.place.trusting()).await.unwrap();
    assert!(holder.line().await.starts_with("* OK "));

    let mut refused = 0;
    for protocol in Protocol::ALL {
        let begun = Instant::now();
        let mut silent = MailClient::connect(protocol, address(protocol)).await;
        assert_eq!(silent.rest().await, "");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());

        let told = MailClient::connect(protocol, address(protocol)).await;
        let mut told = told.start_tls(&gate.place.trusting()).await.unwrap();
        let why = told.rest().await;
        assert!(why.contains(Refusal::LimitReached.sentence()), "{why:?}");
        refused += 1;
    }
    assert_eq!(refused, 3);
    assert!(holder.ask("a NOOP").await.is_yes(), "who has a place keeps it");
}
