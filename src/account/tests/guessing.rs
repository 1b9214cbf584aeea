//! Somebody guesses passwords: how fast, what they learn, and who else notices.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::*;

/// How long each attack lasts, on a paused clock.
const MINUTES: u64 = 5;

/// One connection after the other that guesses at an account, for ever.
async fn guess(accounts: Arc<Accounts>, name: String, from: String) {
    let (credentials, from) = (saying("", &name, b"guess"), peer(&from));
    loop {
        let why = outcome(accounts.check(at(Protocol::Imap, &from), &credentials).await).unwrap_err();
        assert!(why == RefusedLogin::WrongPassword || why.is_limit(), "{why:?}");
        sleep(Duration::from_secs(1)).await;
    }
}

/// Guesses at one account from so many connections per source.
fn attack(accounts: &Arc<Accounts>, name: &str, sources: &[String], connections: usize) -> JoinSet<()> {
    let mut attack = JoinSet::new();
    for source in sources {
        for _ in 0..connections {
            attack.spawn(guess(Arc::clone(accounts), name.into(), source.clone()));
        }
    }
    attack
}

/// The most chosen passwords that were hashed in any minute of the attack.
async fn most_in_a_minute(accounts: &Accounts) -> u64 {
    let mut seen = vec![accounts.shared.hashed().chosen];
    for _ in 0..MINUTES * 60 {
        sleep(Duration::from_secs(1)).await;
        seen.push(accounts.shared.hashed().chosen);
    }
    seen.windows(61)
        .map(|minute| minute[60] - minute[0])
        .max()
        .unwrap()
}

fn hosts(number: u8) -> Vec<String> {
    (1..=number).map(|host| format!("192.0.2.{host}:1")).collect()
}

/// Addresses of one IPv6 network.
fn one_subnet(number: u16) -> Vec<String> {
    (1..=number)
        .map(|host| format!("[2001:db8::{host:x}]:1"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn guesses_are_counted_per_source_and_over_all_sources() {
    let table = [
        ("one host", hosts(1), 50, 10..=20),
        ("one IPv6 network", one_subnet(50), 1, 10..=20),
        ("this machine", vec!["127.0.0.1:1".into()], 50, 10..=20),
        ("a hundred hosts", hosts(100), 3, 20..=60),
    ];
    for (what, sources, connections, expected) in table {
        let accounts = Arc::new(all(vec![chosen("choice", account("alice"))]));
        let attack = attack(&accounts, "alice", &sources, connections);
        let most = most_in_a_minute(&accounts).await;
        assert!(expected.contains(&most), "{what}: {most} in a minute");
        assert_eq!(attack.len(), sources.len() * connections, "nobody gave up");
    }
}

/// How long a login took that must be let in.
async fn let_in(accounts: &Accounts, name: &str, password: &str, from: &str) -> Duration {
    let begun = Instant::now();
    let credentials = saying("", name, password.as_bytes());
    outcome(
        accounts
            .check(at(Protocol::Imap, &peer(from)), &credentials)
            .await,
    )
    .unwrap();
    begun.elapsed()
}

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn an_attacker_keeps_nobody_out() {
    let (generated, alice) = generated(chosen("choice", account("alice")));
    let accounts = Arc::new(all(vec![alice, chosen("choice", account("bob"))]));
    let (local, home, phone) = ("127.0.0.1:9", "198.51.100.1:9", "198.51.100.2:9");
    let_in(&accounts, "alice", "choice", home).await;

    let mut sources = hosts(100);
    sources.push("127.0.0.1:1".into());
    let attack = attack(&accounts, "alice", &sources, 10);
    sleep(Duration::from_secs(600)).await;

    let table = [
        (
            "a generated password, from where the attack comes from",
            "alice",
            generated.as_str(),
            local,
        ),
        (
            "a generated password, from one of the hundred hosts",
            "alice",
            &generated,
            "192.0.2.7:9",
        ),
        (
            "a chosen password, from a source that has logged in before",
            "alice",
            "choice",
            home,
        ),
        ("a chosen password, from a new source", "alice", "choice", phone),
        (
            "another account, from where the attack comes from",
            "bob",
            "choice",
            local,
        ),
    ];
    for (what, name, password, from) in table {
        for time in 0..20 {
            let waited = let_in(&accounts, name, password, from).await;
            assert!(waited <= PATIENCE, "{what}, {time}: {waited:?}");
            sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(attack.len(), 1_010, "the attack went on all the time");
}

#[tokio::test(start_paused = true)]
async fn a_generated_password_gets_in_at_once_although_the_attack_has_just_begun() {
    let (password, alice) = generated(account("alice"));
    let accounts = Arc::new(all(vec![alice]));
    let attack = attack(&accounts, "alice", &hosts(100), 10);
    tokio::task::yield_now().await;
    assert_eq!(
        let_in(&accounts, "alice", &password, "192.0.2.7:9").await,
        Duration::ZERO
    );
    assert_eq!(attack.len(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn one_password_guessed_at_every_name_of_a_catch_all_is_one_account_guessed_at() {
    let accounts = Arc::new(all(vec![chosen("choice", account("*@contoso.com"))]));
    let mut attack = JoinSet::new();
    for n in 0..500 {
        attack.spawn(guess(
            Arc::clone(&accounts),
            format!("u{n}@contoso.com"),
            "192.0.2.1:1".into(),
        ));
    }
    let most = most_in_a_minute(&accounts).await;
    assert!((20..=60).contains(&most), "{most} in a minute");
    assert_eq!(attack.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_not_looked_at_costs_nothing_and_is_not_called_wrong() {
    let accounts = Arc::new(all(vec![chosen("choice", account("alice"))]));
    let mut guesses = JoinSet::new();
    for _ in 0..50 {
        let accounts = Arc::clone(&accounts);
        guesses.spawn(async move {
            let begun = Instant::now();
            let credentials = saying("", "alice", b"guess");
            let checked = accounts
                .check(at(Protocol::Imap, &peer("192.0.2.1:1")), &credentials)
                .await;
            (outcome(checked).unwrap_err(), begun.elapsed())
        });
    }
    let (mut wrong, mut limited) = (0, 0);
    for (why, waited) in guesses.join_all().await {
        match why {
            RefusedLogin::WrongPassword => wrong += 1,
            RefusedLogin::TooManyGuesses => {
                assert!(why.is_limit());
                assert_eq!(waited, PATIENCE);
                limited += 1;
            }
            _ => panic!("{why:?}"),
        }
    }
    assert!(
        (4..=6).contains(&wrong),
        "its five places, and one that grew: {wrong}"
    );
    assert_eq!(wrong + limited, 50);
    assert_eq!(
        accounts.shared.hashed(),
        Hashed {
            generated: wrong,
            chosen: wrong,
            derived: 0,
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_mail_client_with_many_connections_is_not_slowed_down() {
    let (password, alice) = generated(chosen("choice", account("alice")));
    let accounts = Arc::new(all(vec![alice]));
    for password in [password.as_str(), "choice"] {
        let begun = Instant::now();
        let mut logins = JoinSet::new();
        for _ in 0..1_000 {
            let (accounts, password) = (Arc::clone(&accounts), password.to_owned());
            logins.spawn(async move { let_in(&accounts, "alice", &password, "127.0.0.1:1").await });
        }
        assert_eq!(logins.join_all().await.len(), 1_000);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    assert!(
        accounts.shared.hashed().chosen <= 20,
        "remembered: {:?}",
        accounts.shared.hashed()
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_come_at_the_same_time_whatever_is_wrong() {
    let (password, alice) = generated(account("alice"));
    let mut far = chosen("choice", account("far"));
    far.allow_from = vec!["10.0.0.0/8".parse().unwrap()];
    let table = [
        ("stranger", "guess", Protocol::Imap),
        ("alice", "guess", Protocol::Imap),
        ("alice", password.as_str(), Protocol::Smtp),
        ("far", "choice", Protocol::Imap),
        ("far", "guess", Protocol::Imap),
        ("nobody", "guess", Protocol::Imap),
        ("bad\u{1}name", "guess", Protocol::Imap),
        ("", "", Protocol::Imap),
    ];
    let accounts = all(vec![alice, far, account("nobody")]);
    for (row, (name, password, protocol)) in table.into_iter().enumerate() {
        let from = peer(&format!("192.0.2.{row}:1"));
        for penalty in [2, 4, 8, 15, 15].map(Duration::from_secs) {
            let begun = Instant::now();
            let credentials = saying("", name, password.as_bytes());
            let why = outcome(accounts.check(at(protocol, &from), &credentials).await).unwrap_err();
            assert!(!why.is_limit());
            assert_eq!(begun.elapsed(), penalty, "{name} {why:?}");
        }
    }
    assert_eq!(table.len(), 8);
}
