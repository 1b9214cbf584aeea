//! What logins cost at the token endpoint, and what a token endpoint in trouble costs logins.

use std::sync::Arc;
use std::time::Duration;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::entra::{EntraError, TokenFault};
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals, SmtpRefusal};
use saslgate::sim::{Demo, Settings, Sim};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply, plain};
use crate::support::place::Place;
use crate::support::{soon, until};

fn accounts() -> [Account; 3] {
    [Demo::ALICE, Demo::BOB, Demo::SUPPORT].map(Account::new)
}

fn start(sim: &Sim, accounts: &[Account]) -> InProcess {
    let config = accounts.iter().fold(Config::new(sim), Config::account);
    InProcess::start(Place::new(sim), &config)
}

/// One login, at which the connection is left.
async fn login(protocol: Protocol, gate: &InProcess, account: &Account) -> Reply {
    let (address, account) = (gate.addresses.of(protocol), account.clone());
    let mut client = MailClient::greeted(protocol, address).await;
    client.log_in(&account.login, &account.password).await
}

/// So many logins, some at once, of all accounts and protocols in turn; the replies.
async fn logins(count: usize, at_once: usize, gate: &InProcess, accounts: &[Account]) -> Vec<Reply> {
    let places = Arc::new(Semaphore::new(at_once));
    let mut all = JoinSet::new();
    for number in 0..count {
        let places = Arc::clone(&places);
        let protocol = Protocol::ALL[number % 3];
        let account = accounts[number / 3 % accounts.len()].clone();
        let address = gate.addresses.of(protocol);
        all.spawn(async move {
            let _place = places.acquire().await;
            let mut client = MailClient::greeted(protocol, address).await;
            client.log_in(&account.login, &account.password).await
        });
    }
    all.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_first_logins_at_once_cost_one_token_request() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange().submissions_at_once.set(None);
    sim.entra().latency.set(Duration::from_millis(300));
    let accounts = accounts();
    let gate = start(&sim, &accounts);

    let replies = logins(1_000, 1_000, &gate, &accounts).await;

    assert_eq!(replies.len(), 1_000);
    let refused: Vec<_> = replies.iter().filter(|reply| !reply.is_yes()).collect();
    assert!(refused.is_empty(), "{} refused: {:?}", refused.len(), refused[0]);
    assert_eq!(sim.entra().request_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_upstream_refuses_does_not_mint_tokens_for_its_whole_tenant() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange().submissions_at_once.set(None);
    let accounts = accounts();
    let gate = start(&sim, &accounts);
    let [misconfigured, neighbour, _] = &accounts;
    sim.directory()
        .mailbox(&misconfigured.login)
        .unwrap()
        .refusals
        .set(Refusals {
            imap: Some(ImapRefusal::Denied),
            pop3: Some(Pop3Refusal::Denied),
            smtp: Some(SmtpRefusal::Unsuccessful),
            sending: None,
        });
    for protocol in Protocol::ALL {
        assert!(login(protocol, &gate, neighbour).await.is_yes(), "before");
    }
    assert_eq!(sim.entra().request_count(), 1);

    let (refused, unaffected) = tokio::join!(
        logins(1_000, 50, &gate, std::slice::from_ref(misconfigured)),
        logins(30, 1, &gate, std::slice::from_ref(neighbour)),
    );

    assert_eq!(refused.len(), 1_000);
    for reply in refused {
        assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    }
    assert_eq!(unaffected.iter().filter(|reply| reply.is_yes()).count(), 30);
    assert!(
        sim.entra().request_count() <= 2,
        "{} requests",
        sim.entra().request_count()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_waiters_hang_up_and_their_token_is_kept_for_the_next_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.entra().latency.set(Duration::from_secs(5));
    let accounts = accounts();
    let config = accounts.iter().fold(Config::new(&sim), Config::account);
    let config = config.table("limits", "smtp_per_mailbox = 100\nimap_per_mailbox = 100");
    let gate = InProcess::start(Place::new(&sim), &config);
    let mut waiters = Vec::new();
    for number in 0..100 {
        let protocol = Protocol::ALL[number % 3];
        waiters.push(MailClient::greeted(protocol, gate.addresses.of(protocol)).await);
    }
    for (number, waiter) in waiters.iter_mut().enumerate() {
        let Account { login, password, .. } = &accounts[number % 2];
        let said = match Protocol::ALL[number % 3] {
            Protocol::Imap => format!("a LOGIN {login} {password}"),
            Protocol::Pop3 => format!("USER {login}\r\nPASS {password}"),
            Protocol::Smtp => format!("EHLO scanner.example\r\nAUTH PLAIN {}", plain(login, password)),
        };
        waiter.say(&said).await;
    }
    until(Duration::from_secs(30), "all of them wait", || {
        gate.server.logged_in() == 100
    })
    .await;
    assert_eq!(gate.server.token_requests().issued, 0, "all of them wait");
    drop(waiters);
    soon("the token request", sim.entra().until_requests(1)).await;
    sim.entra().fail(TokenFault::ServerError);

    for protocol in Protocol::ALL {
        assert!(login(protocol, &gate, &accounts[2]).await.is_yes(), "{protocol}");
    }

    assert_eq!(sim.entra().request_count(), 1);
}

/// What a token endpoint in trouble does, and whether it is worth another try by the mail client alone.
fn troubles() -> Vec<(&'static str, Trouble, Refusal)> {
    let temporary = |fault| Trouble::Fault(fault);
    vec![
        ("reset", temporary(TokenFault::Reset), Refusal::Unavailable),
        (
            "429",
            temporary(TokenFault::TooManyRequests(Some("60".into()))),
            Refusal::Unavailable,
        ),
        (
            "429 without Retry-After",
            temporary(TokenFault::TooManyRequests(None)),
            Refusal::Unavailable,
        ),
        ("500", temporary(TokenFault::ServerError), Refusal::Unavailable),
        ("503", temporary(TokenFault::Unavailable), Refusal::Unavailable),
        (
            "half a body",
            temporary(TokenFault::CloseMidBody),
            Refusal::Unavailable,
        ),
        (
            "a body without end",
            temporary(TokenFault::Huge(1 << 30)),
            Refusal::Unavailable,
        ),
        (
            "a login page",
            temporary(TokenFault::Body("<html>Sign in to the Wi-Fi</html>".into())),
            Refusal::Unavailable,
        ),
        (
            "a passing error of Entra",
            Trouble::Refusal(EntraError::new(
                90_033,
                "temporarily_unavailable",
                "A transient error has occurred. Please try again.",
            )),
            Refusal::Unavailable,
        ),
        (
            "a wrong client secret",
            Trouble::Refusal(EntraError::new(
                7_000_215,
                "invalid_client",
                "Invalid client secret provided.",
            )),
            Refusal::ContactAdmin,
        ),
        (
            "an unknown app",
            Trouble::Refusal(EntraError::new(
                700_016,
                "unauthorized_client",
                "Application with identifier 'x' was not found in the directory 'y'.",
            )),
            Refusal::ContactAdmin,
        ),
    ]
}

enum Trouble {
    Fault(TokenFault),
    Refusal(EntraError),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_at_the_token_endpoint_is_never_told_as_a_wrong_password_nor_asked_about_by_each_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    let accounts = accounts();
    let mut tried = 0;
    for (name, trouble, expected) in troubles() {
        // A server of its own: the failures of the one before are remembered.
        let gate = start(&sim, &accounts);
        match trouble {
            Trouble::Fault(fault) => sim.entra().fail(fault),
            Trouble::Refusal(error) => sim.entra().refuse(error),
        }
        let before = sim.entra().connections();
        for protocol in Protocol::ALL.into_iter().cycle().take(9) {
            let reply = login(protocol, &gate, &accounts[0]).await;
            assert_eq!(reply.refusal(), Some(expected), "{name}: {reply:?}");
            tried += 1;
        }
        let asked = sim.entra().connections() - before;
        assert_eq!(asked, 1, "{name}: nine logins asked {asked} times");
        sim.entra().recover();
        gate.server.stop().await;
    }
    assert_eq!(tried, 11 * 9);
}
