//! Devices: their map, and the rules of the account that it names.

use super::*;
use crate::devices::{Device, Devices};

const SCANNER: &str = "10.1.2.3:40000";

fn map(entries: &[(&str, &str)]) -> Arc<Devices> {
    let read = |(network, name): &(&str, &str)| (network.parse().unwrap(), login(name));
    Arc::new(Devices::new(entries.iter().map(read).collect(), false))
}

fn device(map: &Devices, address: &str) -> Device {
    map.at(&peer(address)).unwrap()
}

/// An account that sends, without a password.
fn sender(name: &str) -> Account {
    let mut account = account(name);
    account.routes = HashMap::from([(Protocol::Smtp, route(app_only(), Identity::Mailbox))]);
    account
}

async fn sends(accounts: &Accounts, device: &Device, from: &str) -> Result<Authorized, RefusedLogin> {
    let from = peer(from);
    let credentials = Credentials::Network(device.clone());
    outcome(accounts.check(at(Protocol::Smtp, &from), &credentials).await)
}

#[tokio::test(start_paused = true)]
async fn a_device_is_let_in_by_the_rules_of_its_account() {
    let mut office_only = sender("office@contoso.com");
    office_only.allow_from = vec!["10.9.0.0/16".parse().unwrap()];
    let map = map(&[
        ("10.1.2.3/32", "scanner@contoso.com"),
        ("10.1.2.4/32", "office@contoso.com"),
        ("10.1.2.5/32", "reader@contoso.com"),
        ("10.1.2.6/32", "nobody@contoso.com"),
        ("10.1.2.7/32", "any@fabrikam.com"),
    ]);
    let accounts = vec![
        sender("scanner@contoso.com"),
        office_only,
        account("reader@contoso.com"),
        sender("*@fabrikam.com"),
    ];
    let accounts = all(accounts).with_devices(vec![Arc::clone(&map)]);
    let table = [
        (SCANNER, Ok("scanner@contoso.com")),
        ("10.1.2.4:1", Err(RefusedLogin::ForbiddenSource)),
        (
            "10.1.2.5:1",
            Err(RefusedLogin::ProtocolNotAllowed(Protocol::Smtp)),
        ),
        ("10.1.2.6:1", Err(RefusedLogin::UnknownUser)),
        ("10.1.2.7:1", Ok("any@fabrikam.com")),
    ];
    for (from, expected) in table {
        let found = sends(&accounts, &device(&map, from), from).await;
        let mailbox = found.as_ref().map(|login| login.mailbox().as_str());
        assert_eq!(mailbox.map_err(|why| *why), expected, "{from}");
    }
    assert_eq!(table.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_gone_lets_nobody_in_and_ends_who_came_by_it() {
    let before = map(&[("10.1.2.0/24", "scanner@contoso.com")]);
    let scanner = device(&before, SCANNER);
    let with =
        |devices| all(vec![sender("scanner@contoso.com"), sender("other@contoso.com")]).with_devices(devices);
    let accounts = with(vec![map(&[]), Arc::clone(&before)]);
    let let_in = sends(&accounts, &scanner, SCANNER).await.unwrap().let_in_by();
    assert!(accounts.still_lets_in(&let_in));
    // The same listener at another port, or another entry for the same.
    assert!(with(vec![map(&[("10.1.2.3/32", "scanner@contoso.com")])]).still_lets_in(&let_in));
    let gone = [
        with(vec![]),
        with(vec![map(&[("10.1.3.0/24", "scanner@contoso.com")])]),
        with(vec![map(&[
            ("10.1.2.3/32", "other@contoso.com"),
            ("10.1.2.0/24", "scanner@contoso.com"),
        ])]),
    ];
    for accounts in &gone {
        assert!(!accounts.still_lets_in(&let_in));
        let refused = sends(accounts, &scanner, SCANNER).await.unwrap_err();
        assert_eq!(refused, RefusedLogin::UnknownDevice);
    }
}

/// A device is no guess, so nobody who guesses at its account's password keeps it out.
#[tokio::test(start_paused = true)]
async fn guesses_at_the_account_do_not_keep_its_device_out() {
    let map = map(&[("10.1.2.3/32", "scanner@contoso.com")]);
    let account = chosen("choice", sender("scanner@contoso.com"));
    let accounts = Arc::new(all(vec![account]).with_devices(vec![Arc::clone(&map)]));
    let mut attack = tokio::task::JoinSet::new();
    for number in 0..200 {
        let accounts = Arc::clone(&accounts);
        attack.spawn(async move {
            let from = if number % 2 == 0 {
                SCANNER.to_owned()
            } else {
                format!("192.0.2.{number}:1")
            };
            let guess = saying("", "scanner@contoso.com", b"guess");
            drop(accounts.check(at(Protocol::Smtp, &peer(&from)), &guess).await);
        });
    }
    tokio::task::yield_now().await;
    for _ in 0..50 {
        let begun = tokio::time::Instant::now();
        sends(&accounts, &device(&map, SCANNER), SCANNER).await.unwrap();
        assert!(begun.elapsed().is_zero());
    }
}

/// Where only generated passwords count, the right one that a person chose is no better than a wrong one, and neither is hashed.
#[tokio::test(start_paused = true)]
async fn a_listener_for_generated_passwords_takes_no_other() {
    let (password, both) = generated(chosen("choice", account("alice")));
    let only_chosen = chosen("choice", account("bob"));
    let accounts = all(vec![both, only_chosen]);
    let here = here();
    let entrance = Entrance {
        passwords: Passwords::Generated,
        ..at(Protocol::Imap, &here)
    };
    let table = [
        ("alice", password.as_str(), Ok(())),
        ("alice", "choice", Err(RefusedLogin::NotGenerated)),
        ("alice", "guess", Err(RefusedLogin::NotGenerated)),
        ("bob", "choice", Err(RefusedLogin::NotGenerated)),
        ("bob", password.as_str(), Err(RefusedLogin::WrongPassword)),
        ("nobody", "choice", Err(RefusedLogin::UnknownUser)),
    ];
    for (user, typed, expected) in table {
        let checked = accounts
            .check(entrance, &saying("", user, typed.as_bytes()))
            .await;
        assert_eq!(outcome(checked).map(drop), expected, "{user} {typed}");
    }
    assert_eq!(table.len(), 6);
    assert_eq!(accounts.shared.hashed().chosen, 0);
    let elsewhere = outcome(
        accounts
            .check(at(Protocol::Imap, &here), &saying("", "bob", b"choice"))
            .await,
    );
    assert!(elsewhere.is_ok());
}
