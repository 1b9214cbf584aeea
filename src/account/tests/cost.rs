//! What an attempt costs: the same whatever is wrong with it.

use std::time::Duration;

use super::*;

/// What one attempt costs.
async fn cost(accounts: &Accounts, protocol: Protocol, from: &str, credentials: &Credentials) -> Hashed {
    let before = accounts.shared.hashed();
    drop(accounts.check(at(protocol, &peer(from)), credentials).await);
    let after = accounts.shared.hashed();
    Hashed {
        generated: after.generated - before.generated,
        chosen: after.chosen - before.chosen,
        derived: after.derived - before.derived,
    }
}

const FAST: Hashed = Hashed {
    generated: 1,
    chosen: 0,
    derived: 0,
};
const BOTH: Hashed = Hashed {
    generated: 1,
    chosen: 1,
    derived: 0,
};

/// Everything that can be wrong with a login, with the right generated password of `fast` at hand.
fn failures(password: &str) -> Vec<(Protocol, &'static str, Credentials)> {
    let (imap, local, far) = (Protocol::Imap, "127.0.0.1:1", "192.0.2.1:1");
    let other = GeneratedPassword::make().unwrap().0.text().to_owned();
    let forged = format!("{}{}", &password[..4], &other[4..]);
    vec![
        (imap, local, saying("", "stranger", b"guess")),
        (imap, local, saying("", "stranger", password.as_bytes())),
        (imap, local, saying("", "fast", b"guess")),
        (imap, local, saying("", "fast", b"")),
        (imap, local, saying("", "fast", other.as_bytes())),
        (imap, local, saying("", "fast", forged.as_bytes())),
        (imap, local, saying("", "fast", b"\xff\xfe")),
        (imap, local, saying("", "nobody", b"guess")),
        (imap, local, saying("", "bad\u{1}name", b"guess")),
        (imap, local, saying("", "", b"")),
        (imap, local, saying("boss", "fast", password.as_bytes())),
        (imap, local, saying("", "@contoso.com", password.as_bytes())),
        (imap, far, saying("", "fast", password.as_bytes())),
        (imap, far, saying("", "fast", b"guess")),
        (Protocol::Smtp, local, saying("", "fast", password.as_bytes())),
        (Protocol::Pop3, local, saying("", "fast", b"guess")),
    ]
}

fn fast() -> (String, Vec<Account>) {
    let (password, mut fast) = generated(account("fast"));
    fast.allow_from = vec!["127.0.0.0/8".parse().unwrap()];
    (password, vec![fast, account("nobody")])
}

#[tokio::test(start_paused = true)]
async fn every_failing_attempt_costs_one_fast_hash_where_all_passwords_are_generated() {
    let (password, accounts) = fast();
    let accounts = all(accounts);
    let failures = failures(&password);
    for (protocol, from, credentials) in &failures {
        assert_eq!(
            cost(&accounts, *protocol, from, credentials).await,
            FAST,
            "{protocol} {credentials:?}"
        );
    }
    assert_eq!(failures.len(), 16);
    let right = saying("", "fast", password.as_bytes());
    assert_eq!(cost(&accounts, Protocol::Imap, "127.0.0.1:1", &right).await, FAST);
}

#[tokio::test(start_paused = true)]
async fn every_failing_attempt_costs_the_same_where_one_password_is_chosen() {
    let (password, mut accounts) = fast();
    let mut slow = chosen("choice", account("slow"));
    slow.allow_from = vec!["127.0.0.0/8".parse().unwrap()];
    accounts.push(slow);
    let accounts = all(accounts);
    let right = saying("", "slow", b"choice");
    let local = "127.0.0.1:1";
    assert_eq!(cost(&accounts, Protocol::Imap, local, &right).await, BOTH);
    assert_eq!(
        cost(&accounts, Protocol::Imap, local, &right).await,
        FAST,
        "remembered"
    );

    let mut failures = failures(&password);
    // What is remembered must not make these faster.
    failures.push((Protocol::Imap, "192.0.2.1:1", saying("", "slow", b"choice")));
    failures.push((Protocol::Smtp, local, saying("", "slow", b"choice")));
    failures.push((Protocol::Imap, local, saying("boss", "slow", b"choice")));
    failures.push((Protocol::Imap, local, saying("", "slow", b"Choice")));
    for (protocol, from, credentials) in &failures {
        assert_eq!(
            cost(&accounts, *protocol, from, credentials).await,
            BOTH,
            "{protocol} {credentials:?}"
        );
    }
    assert_eq!(failures.len(), 20);
    let right = saying("", "fast", password.as_bytes());
    assert_eq!(cost(&accounts, Protocol::Imap, local, &right).await, FAST);
}

#[tokio::test(start_paused = true)]
async fn a_right_password_is_remembered_for_five_minutes_and_through_a_reload_unless_it_changed() {
    let shared = Shared::new().unwrap();
    let same = chosen("choice", account("slow"));
    let hash = same.passwords[0].clone();
    let mut accounts = Accounts::new(vec![same], shared.clone()).unwrap();
    let right = saying("", "slow", b"choice");
    let at = (Protocol::Imap, "127.0.0.1:1");
    assert_eq!(cost(&accounts, at.0, at.1, &right).await, BOTH);

    let mut again = account("slow");
    again.passwords = vec![hash];
    accounts = Accounts::new(vec![again], shared.clone()).unwrap();
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(cost(&accounts, at.0, at.1, &right).await, FAST, "the same hash");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(
        cost(&accounts, at.0, at.1, &right).await,
        BOTH,
        "five minutes later"
    );

    // The same password, hashed anew: what was remembered never matches.
    accounts = Accounts::new(vec![chosen("choice", account("slow"))], shared.clone()).unwrap();
    assert_eq!(cost(&accounts, at.0, at.1, &right).await, BOTH);
    accounts = Accounts::new(vec![chosen("another", account("slow"))], shared).unwrap();
    assert_eq!(
        imap(&accounts, &right).await.unwrap_err(),
        RefusedLogin::WrongPassword
    );
}

/// PBKDF2 with 1.3 million iterations: what a wrong guess at another program's seal costs is what an unknown name costs.
#[tokio::test]
async fn as_long_as_an_imported_account_waits_unknown_names_cost_what_it_costs() {
    let mut waiting = account("waiting");
    waiting.imported = true;
    let accounts = all(vec![waiting]);
    let (imap, local) = (Protocol::Imap, "127.0.0.1:1");
    let derived = Hashed {
        generated: 1,
        chosen: 0,
        derived: 1,
    };
    let stranger = saying("", "stranger", b"guess");
    assert_eq!(cost(&accounts, imap, local, &stranger).await, derived);
    // The token store judges it, and nothing has been spent before that.
    let waits = saying("", "waiting", b"guess");
    let here = here();
    let Verdict::Ask(candidate) = accounts.check(at(imap, &here), &waits).await else {
        panic!("judged here");
    };
    assert_eq!(candidate.judge(), Judge::Store);
    candidate.some_wait(false);
    candidate.undecided();
    assert_eq!(cost(&accounts, imap, local, &stranger).await, BOTH);
}

#[tokio::test]
async fn an_imported_password_is_a_chosen_one() {
    let (password, mut both) = generated(account("both"));
    both.imported = true;
    let accounts = all(vec![both]);
    let here = here();
    let generated_only = Entrance {
        passwords: Passwords::Generated,
        ..at(Protocol::Imap, &here)
    };
    let typed = saying("", "both", password.as_bytes());
    let verdict = accounts.check(generated_only, &typed).await;
    assert!(
        matches!(verdict, Verdict::Authorized(_)),
        "the generated one needs no judge"
    );
    drop(verdict);
    let typed = saying("", "both", b"a choice");
    let refused = outcome(accounts.check(generated_only, &typed).await).unwrap_err();
    assert_eq!(refused, RefusedLogin::NotGenerated);
    let verdict = accounts.check(at(Protocol::Imap, &here), &typed).await;
    assert!(matches!(verdict, Verdict::Ask(_)));
}
