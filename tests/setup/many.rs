//! Two hundred mailboxes: a users file, and their cards in a file that only its owner reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use crate::run::{answer, mode, setup};

#[test]
fn two_hundred_mailboxes_have_a_password_each() {
    let place = tempfile::tempdir().unwrap();
    let mut mailboxes = String::new();
    for number in 1..=200 {
        let _ = writeln!(mailboxes, "user{number}@contoso.com");
    }
    let text = format!(
        "product = \"many\"\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
         server_name = \"mail.contoso.lan\"\nclient_secret_from = \"secret.txt\"\nmailboxes = \"\"\"\n{mailboxes}\"\"\"\n"
    );
    let file = answer(place.path(), &text);
    let ran = setup(
        &["--answers", &file, "--directory", place.path().to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.said.contains("Accounts: 200"), "{}", ran.said);
    let cards = place.path().join("cards.csv");
    assert_eq!(mode(&cards), 0o600);
    assert_eq!(mode(&place.path().join("users")) & 0o007, 0);
    let cards = fs::read_to_string(cards).unwrap();
    let mut lines = cards.lines();
    let head = "user name,password,IMAP server,IMAP port,IMAP security,SMTP server,SMTP port,SMTP security";
    assert_eq!(lines.next(), Some(head));
    let users = fs::read_to_string(place.path().join("users")).unwrap();
    let config = fs::read_to_string(place.path().join("saslgate.toml")).unwrap();
    let mut passwords = BTreeSet::new();
    for line in lines {
        let cells: Vec<_> = line.split('"').collect();
        let (user, password) = (cells[1], cells[3]);
        assert!(
            line.ends_with("\"mail.contoso.lan\",1993,SSL/TLS,\"mail.contoso.lan\",1587,STARTTLS"),
            "{line}"
        );
        assert!(
            users.contains(&format!("\n{user} sg1:{}:", &password[..4])),
            "{user}"
        );
        assert!(
            ![&ran.said, &users, &config]
                .iter()
                .any(|text| text.contains(password)),
            "{user}'s password is elsewhere"
        );
        passwords.insert(password.to_owned());
    }
    assert_eq!(passwords.len(), 200);
    assert!(
        ran.said.contains("foreach ($mailbox in $mailboxes)"),
        "{}",
        ran.said
    );
}
