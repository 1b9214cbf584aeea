//! The same inputs over sockets, beside sessions that are logged in: each is answered as asked, and harms nobody else.

use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};

use super::support::config::{Account, Config};
use super::support::in_process::InProcess;
use super::support::mail_client::MailClient;
use super::support::place::Place;
use super::{Case, Ends, all};

/// What is said of us where the sans-I/O test has a name of its own for us.
fn on_this_machine(expected: &str) -> &str {
    expected.strip_suffix("mail.example.com").unwrap_or(expected)
}

/// Says it, and hears how each reply begins. The reply to a login, where it comes to one, is not this test's.
async fn is_answered(mail_client: &mut MailClient, case: &Case, what: &str) {
    mail_client.say_bytes(&case.input).await;
    // How many keywords EHLO brings depends on upstream.
    let keyword = |line: &str| line.starts_with("250-");
    for expected in case.said.iter().filter(|line| !keyword(line)) {
        let mut line = mail_client.line().await;
        while keyword(&line) {
            line = mail_client.line().await;
        }
        assert!(
            line.starts_with(on_this_machine(expected)),
            "{what}: {line:?} instead of {expected:?}"
        );
    }
    if matches!(case.end, Ends::Closed(_)) {
        assert_eq!(mail_client.rest().await, "", "{what}: said behind the end");
    }
}

#[tokio::test]
async fn bad_input_is_answered_otherwise_over_a_socket_or_harms_somebody_else() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let gate = InProcess::start(Place::new(&sim), &Config::new(&sim).account(&alice));
    let mut healthy = Vec::new();
    for protocol in Protocol::ALL {
        healthy.push(MailClient::logged_in(protocol, gate.addresses.of(protocol), &alice).await);
    }
    let cases = all();
    for case in &cases {
        let what = format!("{} {}", case.kind, case.protocol);
        let mut bad = MailClient::greeted(case.protocol, gate.addresses.of(case.protocol)).await;
        is_answered(&mut bad, case, &what).await;
        for beside in &mut healthy {
            assert!(beside.is_relayed().await, "{what} harmed a session beside it");
        }
    }
    assert_eq!(cases.len(), 221);
    assert_eq!(sim.exchange().counts().accepted, 3, "somebody else came through");
}
