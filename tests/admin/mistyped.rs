//! A mail client that shows a wrong password or a mistyped name: the account is well, and whoever set the mail client up finds out.

use saslgate::provider::Protocol;
use serde_json::Value;

use crate::rig::Rig;
use crate::support::command;
use crate::support::mail_client::MailClient;

async fn refused(rig: &Rig, user: &str, password: &str) {
    let imap = rig.gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    assert!(!client.log_in(user, password).await.is_yes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_and_mistyped_names_are_told_until_a_right_one() {
    let rig = Rig::new().await;
    let (login, password) = (rig.grace.login.as_str(), rig.grace.password.as_str());
    for _ in 0..2 {
        refused(&rig, login, "wrong").await;
    }
    let mistyped = format!("x{login}");
    refused(&rig, &mistyped, password).await;
    // Many mail programs have the password field below that of the name.
    refused(&rig, password, "wrong").await;

    let json = command::run(&rig.gate.place, &["status", "--json"]).await.output;
    assert!(
        !json.contains(password),
        "what was typed as a name is shown as in the log"
    );
    let status: Value = serde_json::from_str(&json).unwrap();
    let wrong = &status["accounts"][0]["wrong_passwords"];
    assert_eq!(
        (&wrong[0]["protocol"], &wrong[0]["count"]),
        (&"imap".into(), &2.into()),
        "{wrong}"
    );
    assert!(wrong[0]["from"].is_string() && wrong[1].is_null(), "{wrong}");
    let names = &status["unknown_logins"];
    assert_eq!(names[0]["name"], mistyped.as_str(), "{names}");
    assert_eq!(names[0]["nearest"], login, "{names}");
    assert_eq!(names[1]["name"], "(a generated password)", "{names}");

    let said = command::run(&rig.gate.place, &["status", "--problems"]).await;
    assert_eq!(
        said.code,
        Some(2),
        "as it is without wrong passwords: nobody has signed in"
    );
    for told in [
        "  imap: 2 logins with a wrong password, the last ",
        "`saslgate password` makes a new one",
        &format!("did you mean {login}?"),
        "(1 with a wrong password in the last day)",
    ] {
        assert!(said.output.contains(told), "{told}: {}", said.output);
    }
    let mut browser = rig.operator().await;
    let page = browser.get(&rig.grace_page()).await.body;
    assert!(page.contains("IMAP: 2 logins with a wrong password"), "{page}");

    // It gets no further, because nobody has signed in; the password was right.
    refused(&rig, login, password).await;
    let said = command::run(&rig.gate.place, &["status"]).await.output;
    assert!(!said.contains("wrong password"), "{said}");
}
