//! A saslgate ends and the next one begins, while a refresh token is on its way.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::entra::{Rotation, TokenFault};

use crate::people::Signing;
use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::soon;

const WAITING: &str = "waiting for the token store; accounts that need none are served";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_comes_after_sigterm_is_kept_for_the_next_process_which_serves_others_meanwhile() {
    let signing = Signing::new();
    let (grace, machine) = (signing.account("grace"), Account::new(Demo::SUPPORT));
    let config = [&grace, &machine]
        .into_iter()
        .fold(signing.config(), Config::account);
    let place = Arc::new(Place::new(&signing.sim));
    let mut before = Program::start(Arc::clone(&place), &config).await;
    let said = signing.import(&place, &grace.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    before.signal(Signal::TERM);
    before.exit().await;

    let mut first = Program::start(Arc::clone(&place), &config).await;
    first.log.message(0, "token store opened").await;
    let entra = signing.sim.entra();
    entra.rotation.set(Rotation::Strict);
    // The answer takes about three seconds.
    entra.tokens.change(|shape| shape.size = 200);
    entra.fail_next(1, TokenFault::Drip(Duration::from_millis(1)));
    let asked = entra.request_count();
    let mut client = MailClient::greeted(Protocol::Imap, first.addresses.of(Protocol::Imap)).await;
    client
        .say(&format!("a LOGIN {} {}", grace.login, grace.password))
        .await;
    soon("the refresh", entra.until_requests(asked + 1)).await;
    first.signal(Signal::TERM);

    let second = Program::start(Arc::clone(&place), &config).await;
    second.log.message(0, WAITING).await;
    let imap = second.addresses.of(Protocol::Imap);
    MailClient::logged_in(Protocol::Imap, imap, &machine).await;
    let has_ended = first.log.lines().iter().any(|line| line.contains("\"stopped\""));
    assert!(
        !has_ended,
        "the first was gone before the second had anything to wait for"
    );
    second.log.message(0, "token store opened").await;
    first.exit().await;
    MailClient::logged_in(Protocol::Imap, imap, &grace).await;
    let lines = second.log.lines();
    assert_eq!(lines.iter().filter(|line| line.contains(WAITING)).count(), 1);
    assert_eq!(
        (entra.refresh_reuses(), entra.requests_of("refresh_token")),
        (0, 3)
    );
}
