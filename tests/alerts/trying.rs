//! `saslgate alert --test`, with and without a running saslgate.

use saslgate::sim::{Demo, Settings, Sim};

use crate::receiver::Receiver;
use crate::stage::{by_command, heard};
use crate::support::Gate as _;
use crate::support::command::run;
use crate::support::config::{Account, Config};
use crate::support::place::Place;
use crate::support::program::Program;

#[tokio::test]
async fn a_test_goes_by_every_way_and_says_what_came_of_each() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (place, receiver) = (Place::new(&sim), Receiver::start().await);
    let more = format!(
        "webhook = \"{}\"\nmail_from = \"{}\"\nmail_to = [\"{}\"]",
        receiver.url(),
        Demo::ALICE,
        Demo::BOB
    );
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE));
    let config = by_command(config, &place, &more);
    place.configure(&config);
    let ways = [
        "ok      command: /bin/sh".to_owned(),
        "ok      webhook: 127.0.0.1".to_owned(),
        format!("ok      mail: {}", Demo::BOB),
    ];
    let said = run(&place, &["alert", "--test"]).await;
    assert_eq!(
        (said.code, said.output.as_str()),
        (Some(0), ways.join("\n").as_str()),
        "{said:?}"
    );

    let gate = Program::start(place, &config).await;
    receiver.answer(403);
    let said = run(&gate.place, &["alert", "--test"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for line in [&ways[0], &ways[2], "failed  webhook: 127.0.0.1", "answered 403"] {
        assert!(said.output.contains(line), "{said:?}");
    }
    assert_eq!((heard(&gate.place).len(), receiver.heard().len()), (2, 2));
    assert_eq!(sim.exchange().sent().len(), 2);
    assert!(receiver.heard().iter().all(|alert| alert["event"] == "test"));
}

#[tokio::test]
async fn without_alerts_it_says_what_to_add() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    place.configure(&Config::new(&sim).account(&Account::new(Demo::ALICE)));
    let said = run(&place, &["alert", "--test"]).await;
    assert_eq!(said.code, Some(2));
    assert!(said.complaints.contains("add [alert]"), "{said:?}");
}

/// A certificate authority that `[upstream]` learns of while saslgate runs: webhooks are called by the new way, as tokens are
/// asked for.
#[tokio::test]
async fn a_webhook_follows_a_reloaded_upstream() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let receiver = Receiver::start_with_tls(&place).await;
    let webhook = format!("webhook = \"https://localhost:{}/hook\"", receiver.address.port());
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .table("alert", &webhook);
    let mut gate = Program::start(place, &config).await;
    let said = run(&gate.place, &["alert", "--test"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.output.contains("failed  webhook: localhost"), "{said:?}");

    let own = std::fs::read_to_string(gate.place.path("listener.pem")).unwrap();
    gate.place.write("ca.pem", &format!("{}{own}", sim.ca_pem()));
    gate.reload(&config).await;
    let said = run(&gate.place, &["alert", "--test"]).await;
    assert_eq!(
        (said.code, said.output.as_str()),
        (Some(0), "ok      webhook: localhost"),
        "{said:?}"
    );
    assert_eq!(receiver.heard().len(), 1);
}
