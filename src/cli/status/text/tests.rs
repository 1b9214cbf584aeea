use super::*;
use crate::control::{UnknownLogin, WrongPasswords, seconds};
use crate::provider::Protocol;

fn trouble(what: &str) -> TroubleTold {
    TroubleTold {
        code: None,
        what: what.into(),
        why: "because".into(),
        fix: "do this".into(),
    }
}

fn account(name: &str, state: State) -> AccountStatus {
    AccountStatus {
        account: name.into(),
        state,
        protocols: vec![ProtocolStatus {
            protocol: Protocol::Imap,
            app: "app".into(),
            host: "outlook.office365.com:993".into(),
            state,
            trouble: (state != State::Ready).then(|| trouble(&format!("{name} is in trouble"))),
            since: None,
            last_login: None,
            token_seconds: None,
        }],
        sign_ins: Vec::new(),
        links: Vec::new(),
        sessions: 0,
        wrong_passwords: Vec::new(),
    }
}

/// 200 accounts, of which the third, the fifth and the seventh are in trouble.
fn two_hundred() -> Status {
    let accounts = (0..200).map(|number| {
        let state = match number {
            3 => State::NeedsAdmin,
            5 => State::Waiting,
            7 => State::NeedsSignIn,
            _ => State::Ready,
        };
        account(&format!("user{number}@contoso.com"), state)
    });
    Status {
        version: "1.0.0".into(),
        running_since: None,
        configuration: None,
        accounts: accounts.collect(),
        apps: Vec::new(),
        store: None,
        orphans: Vec::new(),
        expiries: Vec::new(),
        unknown_logins: Vec::new(),
    }
}

fn shown(status: &Status) -> String {
    let text = of(status, &count(&status.accounts), None);
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn of_two_hundred_accounts_the_faults_stand_on_the_last_screen() {
    const SCREEN: usize = 24;
    let text = shown(&two_hundred());
    let lines: Vec<_> = text.lines().collect();
    let end = lines.len() - 2;
    assert_eq!(
        lines[end],
        "200 accounts: 197 ready, 1 waiting, 1 needs sign-in, 1 needs admin"
    );
    assert!(lines[end + 1].contains("--problems"), "{}", lines[end + 1]);
    let screen = lines[lines.len() - SCREEN..].join("\n");
    let at = |number: u32| {
        let place = screen.find(&format!("user{number}@contoso.com is in trouble"));
        place.unwrap_or_else(|| panic!("{number} is not on the last screen: {screen}"))
    };
    // The worst is nearest to the end.
    assert!(at(5) < at(7) && at(7) < at(3), "{screen}");
    assert_eq!(text.matches("contoso.com  ready").count(), 197);
}

#[test]
fn problems_alone_are_few_lines_and_all_accounts_are_counted() {
    let mut status = two_hundred();
    let count = count(&status.accounts);
    super::super::only_problems(&mut status);
    let text = anstream::adapter::strip_str(&of(&status, &count, None)).to_string();
    assert_eq!(status.accounts.len(), 3);
    assert!(!text.contains("  ready"), "{text}");
    assert!(text.lines().count() < 24, "{text}");
    assert!(
        text.ends_with("\n200 accounts: 197 ready, 1 waiting, 1 needs sign-in, 1 needs admin\n"),
        "{text}"
    );
}

/// Problems of a file that is not in use would be the first line of a thousand.
#[test]
fn what_keeps_a_file_from_being_used_stands_at_the_end() {
    let mut status = two_hundred();
    status.configuration = Some(ConfigurationStatus {
        generation: 2,
        since: 0,
        refused: Some("a.toml:1:1: error: one\nb.toml:2:2: error: two".into()),
    });
    status.store = Some(StoreStatus {
        path: "/var/lib/saslgate/tokens".into(),
        trouble: Some(trouble("the disk is full")),
        unsaved: Vec::new(),
    });
    let text = shown(&status);
    let last: Vec<_> = text.lines().rev().take(6).collect();
    assert!(last.iter().any(|line| line.contains("NOT in use")), "{text}");
    let at = |what: &str| text.find(what).unwrap();
    assert!(at("user3@contoso.com is in trouble") < at("the disk is full"));
    assert!(at("the disk is full") < at("NOT in use"));
}

/// A mail client says no more than that the login failed, and the account is ready.
#[test]
fn wrong_passwords_and_names_are_told_though_the_account_is_ready() {
    let minutes_ago = |minutes: u64| seconds(SystemTime::now()) - minutes * 60;
    let wrong = |last| WrongPasswords {
        protocol: Protocol::Imap,
        count: 4,
        last,
        from: [10, 0, 5, 20].into(),
        fix: "set it again".into(),
    };
    let mut status = two_hundred();
    status.accounts[9].wrong_passwords = vec![wrong(minutes_ago(2))];
    status.accounts[11].wrong_passwords = vec![wrong(minutes_ago(3 * 24 * 60))];
    status.unknown_logins = vec![UnknownLogin {
        name: "usr9".into(),
        count: 2,
        last: minutes_ago(5),
        from: [10, 0, 5, 21].into(),
        protocol: Protocol::Smtp,
        nearest: Some("user9@contoso.com".into()),
        signs_in_for: Vec::new(),
    }];
    let logins = ["support@contoso.com", "info@contoso.com", "jobs@contoso.com"];
    for count in 1..=logins.len() {
        status.unknown_logins.push(UnknownLogin {
            name: "alice@contoso.com".into(),
            signs_in_for: logins[..count].iter().map(ToString::to_string).collect(),
            ..status.unknown_logins[0].clone()
        });
    }
    let counted = anstream::adapter::strip_str(&count(&status.accounts)).to_string();
    assert_eq!(
        counted,
        "200 accounts: 197 ready, 1 waiting, 1 needs sign-in, 1 needs admin (1 with a wrong password in the last day)"
    );
    super::super::only_problems(&mut status);
    assert_eq!(
        status.accounts.len(),
        4,
        "that of three days ago is none any more"
    );
    let text = shown(&status);
    let told = "\n  imap: 4 logins with a wrong password, the last 2 min ago from 10.0.5.20 (none right since)\n    fix:  set it again\n";
    assert_eq!(text.matches(told).count(), 1, "{text}");
    let told = "\n  usr9  2, the last 5 min ago from 10.0.5.21 by smtp: did you mean user9@contoso.com?\n";
    assert!(text.contains(told), "{text}");
    for told in [
        "by smtp: alice@contoso.com signs in for support@contoso.com: the user name is support@contoso.com\n",
        "by smtp: alice@contoso.com signs in for support@contoso.com, info@contoso.com: the user name is that of the account\n",
        "by smtp: alice@contoso.com signs in for support@contoso.com, info@contoso.com and others: the user name is",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

/// The line that counts says "ready", and mail clients get "connection refused".
#[test]
fn that_no_saslgate_runs_stands_last() {
    let status = two_hundred();
    let absent = TroubleTold {
        fix: "start it".into(),
        ..trouble("no saslgate is running")
    };
    let text = of(&status, &count(&status.accounts), Some(&absent));
    let text = anstream::adapter::strip_str(&text).to_string();
    let end = "\nno saslgate is running\n    why:  because\n    fix:  start it\n";
    assert!(text.ends_with(end), "{text}");
}

/// Whoever looks for what became of a sign-in sees that it waits for its owner.
#[test]
fn a_link_that_was_not_used_is_told() {
    let mut account = account("*@contoso.com", State::NeedsSignIn);
    let hours = |hours: u64| seconds(SystemTime::now()) + hours * 3_600 + 60;
    account.links = [("*@contoso.com", 5), ("bob@contoso.com", 23)]
        .map(|(account, left)| LinkStatus {
            account: account.into(),
            app: "people".into(),
            asked_by: "Jane (IT)".into(),
            expires: hours(left),
        })
        .into();
    let mut text = String::new();
    of_account(&mut text, &account);
    assert!(
        text.contains(
            "\n  link to sign in: not used yet, good for 5 h, asked for by Jane (IT) (app \"people\")\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n  link to sign in as bob@contoso.com: not used yet, good for 23 h, "),
        "{text}"
    );
}

#[test]
fn each_state_has_a_word_and_a_colour_that_repeats_it() {
    for (state, colour) in [
        (State::Ready, "\u{1b}[32m"),
        (State::Off, "\u{1b}[33m"),
        (State::Waiting, "\u{1b}[33m"),
        (State::NeedsSignIn, "\u{1b}[31m"),
        (State::NeedsAdmin, "\u{1b}[31m"),
    ] {
        let told = count(&[account("a@x", state)]);
        assert_eq!(told, format!("1 account: {colour}1 {state}\u{1b}[0m"));
    }
    assert_eq!(count(&[]), "0 accounts");
}
