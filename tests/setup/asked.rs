//! The questions by standard input, as somebody types them.

use std::fs;

use crate::run::{SECRET, password, setup};

#[test]
fn a_person_answers_and_the_files_are_there() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("new");
    let typed = format!(
        "osticket\n\n\ncontoso.com\n\n11111111-2222-3333-4444-555555555555\nhelpdesk@contoso.com\n\n\n{SECRET}\n2099-11-01\n\n"
    );
    let ran = setup(&["--directory", at.to_str().unwrap()], &typed);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let order = [
        "What logs in?",
        "Which tenant?",
        "Write this?",
        "Written",
        "What `saslgate check` says of it",
        "is sound",
        "In the portal",
        "http://localhost:8425/",
        "In Exchange",
        "Set-CASMailbox -Identity 'helpdesk@contoso.com'",
        "In osTicket\n",
        "What to do next",
    ];
    let mut from = 0;
    for word in order {
        let found = ran.said[from..].find(word);
        from += found.unwrap_or_else(|| panic!("{word} does not come next in {}", ran.said));
    }
    let password = password(&ran.said).unwrap();
    assert_eq!(ran.said.matches(password).count(), 1, "shown once");
    assert!(!ran.said.contains(SECRET));
    let text = fs::read_to_string(at.join("saslgate.toml")).unwrap();
    assert!(!text.contains(password) && !text.contains(SECRET));
    assert!(!ran.said.contains('\u{1b}'), "colours, and this is no terminal");
}

#[test]
fn an_end_before_the_end_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("new");
    let all = format!("script\n\n\ncontoso.com\n\n\na@contoso.com\n\n\n{SECRET}\n\n");
    let lines: Vec<_> = all.lines().collect();
    for count in 0..lines.len() {
        let mut typed = lines[..count].join("\n");
        if count > 0 {
            typed.push('\n');
        }
        let ran = setup(&["--directory", at.to_str().unwrap()], &typed);
        assert_eq!(ran.code, Some(2), "{typed}: {ran:?}");
        assert!(ran.complained.contains("nothing was written"), "{ran:?}");
        assert!(!at.exists(), "{typed}");
    }
    assert_eq!(lines.len(), 11);
}

#[test]
fn a_secret_is_never_an_argument() {
    for arguments in [&["--client-secret", SECRET][..], &[SECRET]] {
        let ran = setup(arguments, "");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.complained.starts_with("error: unexpected argument"),
            "{ran:?}"
        );
    }
}
