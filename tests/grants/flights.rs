//! One request for a token at a time, whoever waits for it.

use std::time::Duration;

use saslgate::provider::Protocol;
use tokio::task::JoinSet;

use crate::people::Signing;
use crate::support::config::Config;
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;

/// A server with people who have signed in, and no token at hand.
async fn signed_in(signing: &Signing, names: &[&str]) -> (InProcess, Vec<crate::support::config::Account>) {
    let accounts: Vec<_> = names.iter().map(|name| signing.account(name)).collect();
    let config = accounts.iter().fold(signing.config(), Config::account);
    // Places are another matter.
    let config = config.table("limits", "smtp_per_mailbox = 1000\nimap_per_mailbox = 1000");
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    for account in &accounts {
        let said = signing.import(&gate.place, &account.login).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    (InProcess::start(place, &config), accounts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_first_logins_of_a_person_are_one_refresh() {
    let signing = Signing::new();
    let (gate, accounts) = signed_in(&signing, &["grace"]).await;
    signing.sim.entra().latency.set(Duration::from_millis(300));
    let before = signing.sim.entra().requests_of("refresh_token");
    let mut all = JoinSet::new();
    for number in 0..1_000 {
        let protocol = Protocol::ALL[number % 3];
        let (account, address) = (accounts[0].clone(), gate.addresses.of(protocol));
        all.spawn(async move { MailClient::logged_in(protocol, address, &account).await });
    }
    assert_eq!(all.join_all().await.len(), 1_000);
    assert_eq!(signing.sim.entra().requests_of("refresh_token") - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_person_has_a_flight_of_their_own_for_all_protocols() {
    let signing = Signing::new();
    let (gate, accounts) = signed_in(&signing, &["ada", "grace", "joan"]).await;
    signing.sim.entra().latency.set(Duration::from_millis(300));
    let before = signing.sim.entra().requests_of("refresh_token");
    let mut all = JoinSet::new();
    for account in accounts.iter().cycle().take(30) {
        for protocol in Protocol::ALL {
            let (account, address) = (account.clone(), gate.addresses.of(protocol));
            all.spawn(async move { MailClient::logged_in(protocol, address, &account).await });
        }
    }
    assert_eq!(all.join_all().await.len(), 90);
    assert_eq!(signing.sim.entra().requests_of("refresh_token") - before, 3);
    let refreshed: std::collections::BTreeSet<_> = signing
        .sim
        .entra()
        .requests()
        .into_iter()
        .rev()
        .take(3)
        .filter_map(|request| request.person)
        .collect();
    assert_eq!(refreshed.len(), 3);
}
