//! What is typed into the mail client.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::made::Account;

/// The settings of each mailbox. Its password is shown here and nowhere else.
pub(super) fn cards(answers: &Answers, accounts: &[Account]) -> Zeroizing<String> {
    const ROOM: usize = 2_048;
    // Made in one piece: a text that grows leaves copies of the passwords behind.
    let mut text = Zeroizing::new(String::with_capacity(ROOM * (accounts.len() + 1)));
    for account in accounts {
        card(&mut text, answers, account);
    }
    let _ = writeln!(text, "{}", answers.product.facts().hint);
    text
}

fn card(text: &mut String, answers: &Answers, account: &Account) {
    let server = answers.place.server(answers.host.as_ref());
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", account.mailbox);
    for protocol in &answers.protocols {
        let door = answers.place.door(*protocol);
        let _ = writeln!(
            text,
            "  {:<9}  server {server}  port {}  security {}",
            protocol.name().to_uppercase(),
            door.port,
            door.security
        );
    }
    let _ = writeln!(text, "  user name  {}", account.mailbox);
    match &account.password {
        Some(made) => {
            text.push_str("  password   ");
            text.push_str(made.password.text());
            text.push_str("   (shown this once)\n\n");
        }
        None => text.push_str("  password   the mailbox's own at Microsoft\n\n"),
    }
}
