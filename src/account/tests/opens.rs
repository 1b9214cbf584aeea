//! What a login opens, who refuses it, and that nobody opens anybody else's mailbox.

use std::collections::HashMap;

use super::*;
use crate::account::password::GeneratedHash;
use crate::name::NameError;

/// What is asked for, and what is opened or why it is refused.
type Row<'a> = (&'a str, &'a str, Result<&'a str, RefusedLogin>);

async fn assert_opens(accounts: &Accounts, password: &str, table: &[Row<'_>]) {
    for (authzid, user, expected) in table {
        let found = imap(accounts, &saying(authzid, user, password.as_bytes())).await;
        let found = found
            .as_ref()
            .map(|authorized| authorized.mailbox().as_str())
            .map_err(|why| *why);
        assert_eq!(found, *expected, "authzid {authzid:?}, user {user:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_opens_its_own_mailbox_however_it_is_spelled() {
    let (password, mut alice) = generated(account("alice@contoso.com"));
    alice.logins = vec![
        login("alice"),
        login("CONTOSO\\alice"),
        login("alice@contoso.com"),
    ];
    let (_, mut desk) = generated(account("desk"));
    desk.mailbox = Some(mailbox("Support@contoso.com"));
    let accounts = all(vec![alice, desk]);
    let table = [
        ("", "alice@contoso.com", Ok("alice@contoso.com")),
        ("", "Alice@Contoso.COM", Ok("alice@contoso.com")),
        ("", "alice", Ok("alice@contoso.com")),
        ("", "contoso\\ALICE", Ok("alice@contoso.com")),
        ("", "CONTOSO\\alice", Ok("alice@contoso.com")),
        ("", "CONTOSO/alice", Err(RefusedLogin::UnknownUser)),
        ("", "alice@fabrikam.com", Err(RefusedLogin::UnknownUser)),
        ("", "alice ", Err(RefusedLogin::UnknownUser)),
        ("", "desk", Err(RefusedLogin::WrongPassword)),
        ("", "", Err(RefusedLogin::BadName(NameError::Empty))),
    ];
    assert_opens(&accounts, &password, &table).await;
    assert_eq!(table.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn rfc_4616_an_authorization_identity_opens_only_what_the_account_lists() {
    let (password, mut alice) = generated(account("alice"));
    alice.mailbox = Some(mailbox("alice@contoso.com"));
    alice.may_open = vec![mailbox("Shared@contoso.com")];
    let (_, bob) = generated(account("bob@contoso.com"));
    let accounts = all(vec![alice, bob]);
    let table = [
        ("", "alice", Ok("alice@contoso.com")),
        ("ALICE", "alice", Ok("alice@contoso.com")),
        ("Alice@contoso.com", "alice", Ok("alice@contoso.com")),
        ("shared@CONTOSO.com", "alice", Ok("Shared@contoso.com")),
        ("bob@contoso.com", "alice", Err(RefusedLogin::MailboxNotAllowed)),
        (
            "alice@contoso.com",
            "bob@contoso.com",
            Err(RefusedLogin::WrongPassword),
        ),
        (
            "shared@contoso.com ",
            "alice",
            Err(RefusedLogin::MailboxNotAllowed),
        ),
        (
            "shared@contoso.com\u{1}auth=Bearer EVIL\u{1}\u{1}",
            "alice",
            Err(RefusedLogin::BadName(NameError::Control)),
        ),
    ];
    assert_opens(&accounts, &password, &table).await;
    assert_eq!(table.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_catch_all_opens_addresses_of_its_domain_that_no_other_account_names() {
    let (password, mut any) = generated(account("*@contoso.com"));
    any.logins = vec![login("CONTOSO\\any")];
    let (_, boss) = generated(account("boss@contoso.com"));
    let accounts = all(vec![any, boss]);
    let table = [
        ("", "alice@contoso.com", Ok("alice@contoso.com")),
        ("", "Bob@CONTOSO.com", Ok("bob@contoso.com")),
        ("bob@contoso.com", "Bob@contoso.com", Ok("bob@contoso.com")),
        (
            "boss@contoso.com",
            "bob@contoso.com",
            Err(RefusedLogin::MailboxNotAllowed),
        ),
        ("", "boss@contoso.com", Err(RefusedLogin::WrongPassword)),
        ("", "@contoso.com", Err(RefusedLogin::UnknownUser)),
        (
            "",
            "alice@fabrikam.com@contoso.com",
            Err(RefusedLogin::UnknownUser),
        ),
        (
            "",
            "alice@contoso.com@fabrikam.com",
            Err(RefusedLogin::UnknownUser),
        ),
        ("", "alice@mail.contoso.com", Err(RefusedLogin::UnknownUser)),
        ("", "contoso.com", Err(RefusedLogin::UnknownUser)),
        ("", "*@contoso.com", Ok("*@contoso.com")),
        // A spelling that is no address names no mailbox of the domain.
        ("", "CONTOSO\\any", Err(RefusedLogin::MailboxNotAllowed)),
    ];
    assert_opens(&accounts, &password, &table).await;
    assert_eq!(table.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_could_reach_the_xoauth2_message_is_refused() {
    let (password, any) = generated(account("*@x"));
    let accounts = all(vec![any]);
    let names: [&[u8]; 6] = [
        b"victim@x\x01auth=Bearer EVIL\x01\x01",
        b"user\r\nA1 LOGOUT@x",
        b"\x1b[2J@x",
        b"bo\0b@x",
        b"bo\xffb@x",
        &[b'a'; 300],
    ];
    for name in names {
        let credentials = Credentials::Password {
            authzid: Vec::new(),
            user: name.to_vec(),
            password: Secret::new(password.clone().into_bytes()),
        };
        let why = imap(&accounts, &credentials).await.unwrap_err();
        assert!(matches!(why, RefusedLogin::BadName(_)), "{name:?}: {why:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_typed_for_one_account_opens_no_other() {
    let people: Vec<(String, String)> = (0..20)
        .map(|n| (format!("u{n}"), format!("choice {n}")))
        .collect();
    let (mut passwords, mut accounts) = (Vec::new(), Vec::new());
    for (name, choice) in &people {
        let (text, person) = generated(account(name));
        accounts.push(chosen(choice, person));
        passwords.push([text, choice.clone()]);
    }
    let accounts = all(accounts);
    let mut opened = 0;
    for (name, _) in &people {
        for (whose, (other, _)) in people.iter().enumerate() {
            for password in &passwords[whose] {
                let found = imap(&accounts, &saying("", name, password.as_bytes())).await;
                assert_eq!(
                    found.is_ok(),
                    name == other,
                    "{name} with the password of {other}"
                );
                opened += usize::from(found.is_ok_and(|authorized| authorized.mailbox().as_str() == name));
            }
        }
    }
    assert_eq!(opened, 40);
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_rules_apart_and_names_the_generated_password() {
    let (password, mut alice) = generated(chosen("choice", account("alice")));
    alice.allow_from = vec!["127.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let id = password[..4].to_owned();
    let accounts = all(vec![alice, account("nobody")]);
    let (local, far) = ("127.0.0.1:1", "192.0.2.1:1");
    let table = [
        (
            Protocol::Imap,
            local,
            "alice",
            password.as_str(),
            Ok(Some(id.clone())),
        ),
        (
            Protocol::Imap,
            "[2001:db8::1]:1",
            "alice",
            &password,
            Ok(Some(id)),
        ),
        (Protocol::Imap, local, "alice", "choice", Ok(None)),
        (
            Protocol::Imap,
            local,
            "alice",
            "wrong",
            Err(RefusedLogin::WrongPassword),
        ),
        (
            Protocol::Imap,
            far,
            "alice",
            "choice",
            Err(RefusedLogin::ForbiddenSource),
        ),
        (
            Protocol::Imap,
            far,
            "alice",
            &password,
            Err(RefusedLogin::ForbiddenSource),
        ),
        (
            Protocol::Imap,
            far,
            "alice",
            "wrong",
            Err(RefusedLogin::WrongPassword),
        ),
        (
            Protocol::Smtp,
            local,
            "alice",
            "choice",
            Err(RefusedLogin::ProtocolNotAllowed(Protocol::Smtp)),
        ),
        (
            Protocol::Pop3,
            far,
            "alice",
            "wrong",
            Err(RefusedLogin::WrongPassword),
        ),
        (
            Protocol::Imap,
            local,
            "nobody",
            "choice",
            Err(RefusedLogin::NoPasswordSet),
        ),
        (
            Protocol::Imap,
            local,
            "nobody",
            "",
            Err(RefusedLogin::NoPasswordSet),
        ),
        (
            Protocol::Imap,
            local,
            "stranger",
            "choice",
            Err(RefusedLogin::UnknownUser),
        ),
    ];
    for (protocol, from, user, password, expected) in &table {
        let credentials = saying("", user, password.as_bytes());
        let found = outcome(accounts.check(at(*protocol, &peer(from)), &credentials).await);
        let found = found.map(|authorized| authorized.app_password().map(ToString::to_string));
        assert_eq!(found, *expected, "{protocol} {from} {user}");
    }
    assert_eq!(table.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn java_sends_a_password_as_latin_1() {
    let accounts = all(vec![chosen("Grüße né", account("alice"))]);
    let table: [(&[u8], bool); 5] = [
        ("Grüße né".as_bytes(), true),
        (b"Gr\xfc\xdfe n\xe9", true),
        (b"Gr\xfc\xdfe ne", false),
        // Half UTF-8, half Latin-1: nobody sends that.
        ("Grüße n\u{e9}".as_bytes().split_last().unwrap().1, false),
        ("GrÃ¼ÃŸe nÃ©".as_bytes(), false),
    ];
    for (password, right) in table {
        assert_eq!(
            imap(&accounts, &saying("", "alice", password)).await.is_ok(),
            right,
            "{password:?}"
        );
    }
}

#[tokio::test]
async fn the_route_says_whose_name_goes_with_the_token() {
    let (password, mut shared) = generated(account("desk"));
    shared.mailbox = Some(mailbox("desk@contoso.com"));
    shared.signs_in_as = Some(mailbox("alice@contoso.com"));
    shared.may_open = vec![mailbox("archive@contoso.com")];
    shared.routes = HashMap::from([
        (Protocol::Imap, route(by_command(), Identity::Mailbox)),
        (Protocol::Smtp, route(by_command(), Identity::Owner)),
    ]);
    let accounts = all(vec![shared]);
    let table = [
        (Protocol::Imap, "", "desk@contoso.com", "desk@contoso.com"),
        (Protocol::Smtp, "", "desk@contoso.com", "alice@contoso.com"),
        (
            Protocol::Imap,
            "archive@contoso.com",
            "archive@contoso.com",
            "archive@contoso.com",
        ),
    ];
    let mut keys = Vec::new();
    for (protocol, authzid, mailbox, identity) in table {
        let credentials = saying(authzid, "desk", password.as_bytes());
        let authorized = outcome(accounts.check(at(protocol, &here()), &credentials).await).unwrap();
        assert_eq!(authorized.protocol(), protocol);
        assert_eq!(authorized.mailbox().as_str(), mailbox);
        assert_eq!(authorized.identity().as_str(), identity);
        assert_eq!(authorized.owner().as_str(), "alice@contoso.com");
        assert_eq!(authorized.account().name.to_string(), "desk");
        assert_eq!(authorized.route().host.port, 993);
        keys.push(authorized.token_wanted().key.grant);
    }
    assert_eq!(keys[0], keys[1], "one grant for both protocols");
    assert_ne!(
        keys[0], keys[2],
        "a command may print another token for another mailbox"
    );
}

#[tokio::test]
async fn whose_mailbox_is_asked_for_does_not_change_who_signs_in() {
    let (password, mut alice) = generated(account("alice@contoso.com"));
    alice.may_open = vec![mailbox("shared@contoso.com")];
    alice.routes = HashMap::from([(Protocol::Imap, route(by_command(), Identity::Mailbox))]);
    let accounts = all(vec![alice]);
    let credentials = saying("shared@contoso.com", "alice@contoso.com", password.as_bytes());
    let authorized = imap(&accounts, &credentials).await.unwrap();
    assert_eq!(authorized.identity().as_str(), "shared@contoso.com");
    assert_eq!(authorized.owner().as_str(), "alice@contoso.com");
}

#[test]
fn accounts_that_would_make_a_login_ambiguous_are_refused() {
    let mut spelled = account("bob");
    spelled.logins = vec![login("ALICE")];
    let twice = chosen("b", chosen("a", account("alice")));
    let (text, mut same) = generated(account("alice"));
    same.passwords.extend(same.passwords.clone());
    let id = match &same.passwords[0] {
        PasswordHash::Generated(hash) => GeneratedHash::id(hash),
        PasswordHash::Chosen(_) => unreachable!("{text}"),
    };
    let table = [
        (
            vec![account("alice"), account("Alice")],
            AccountsError::SameLogin("alice".into()),
        ),
        (
            vec![account("alice"), spelled],
            AccountsError::SameLogin("alice".into()),
        ),
        (
            vec![account("*@x"), account("*@x")],
            AccountsError::SameLogin("*@x".into()),
        ),
        (vec![twice], AccountsError::TwoChosen("alice".into())),
        (
            vec![same],
            AccountsError::SameId {
                account: "alice".into(),
                id,
            },
        ),
    ];
    for (accounts, why) in table {
        assert_eq!(Accounts::new(accounts, Shared::new().unwrap()).unwrap_err(), why);
    }
}
