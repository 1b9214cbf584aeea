//! What is typed into the mail client.

use std::fmt::Write as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::made::{Account, Password};

/// The settings of each mailbox. Its password is shown here and nowhere else.
pub(super) fn cards(answers: &Answers, accounts: &[Account]) -> Zeroizing<String> {
    const ROOM: usize = 2_048;
    // Made in one piece: a text that grows leaves copies of the passwords behind.
    let mut text = Zeroizing::new(String::with_capacity(ROOM * (accounts.len() + 1)));
    for account in accounts {
        card(&mut text, answers, account);
    }
    let _ = writeln!(text, "{}", answers.product.facts().hint);
    text.push_str(&switches(answers));
    text
}

/// Which of the two kinds of TLS to switch on: the other one ends in a long silence or an error about a version.
pub(super) fn switches(answers: &Answers) -> String {
    let said = answers.protocols.iter().filter_map(|protocol| {
        let name = protocol.name().to_uppercase();
        match answers.place.door(*protocol).tls {
            "implicit" => Some(format!("{name}: SSL/TLS, from the first byte, not STARTTLS.")),
            "starttls" => Some(format!("{name}: STARTTLS, not SSL/TLS.")),
            _ => None,
        }
    });
    let said: Vec<_> = said.collect();
    if said.is_empty() {
        return String::new();
    }
    format!("To switch on in it: {}\n", said.join(" "))
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
        Some(Password::AsBefore(_)) => {
            text.push_str("  password   as before: the stored one was kept\n\n");
        }
        Some(Password::New(_)) if answers.password_file.is_some() => {
            let file = answers.password_file.as_deref().unwrap_or(Path::new(""));
            let _ = writeln!(text, "  password   in {}\n", file.display());
        }
        Some(Password::New(made)) => {
            text.push_str("  password   ");
            text.push_str(made.password.text());
            text.push_str("   (shown this once)\n\n");
        }
        None => text.push_str("  password   the mailbox's own at Microsoft\n\n"),
    }
}
