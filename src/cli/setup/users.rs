//! Many mailboxes: the users file, and a CSV of what each mail client is told.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::made::{Account, Password};

/// The users file.
pub(super) fn file(answers: &Answers, accounts: &[Account]) -> String {
    let names: Vec<_> = answers.protocols.iter().map(|protocol| protocol.name()).collect();
    let mut settings = format!("protocols={}", names.join(","));
    if let Some(person) = &answers.signs_in_as {
        // Writing to a string cannot fail.
        let _ = write!(settings, " signs_in_as={person}");
    }
    let mut text = "\
# An account a line: login, the hash that `saslgate password` prints, settings. Written by `saslgate setup`.
"
    .to_owned();
    for account in accounts {
        let stored = account.password.as_ref().map_or(&[][..], Password::stored);
        let hash = stored.first().map_or("-", String::as_str);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {hash} {settings}", account.mailbox);
    }
    text
}

/// Bytes that a line of the CSV has at most beside the mailbox, three times over.
const LINE: usize = 512;

/// A line for each mailbox, for whoever fills in the mail clients' settings.
pub(super) fn cards(answers: &Answers, accounts: &[Account]) -> Zeroizing<Vec<u8>> {
    let server = answers.place.server(answers.host.as_ref());
    // Made in one piece: a text that grows leaves copies of the passwords behind.
    let room = accounts
        .iter()
        .map(|account| account.mailbox.len() * 2 + LINE + server.len() * 3);
    let mut text = Zeroizing::new(String::with_capacity(LINE + room.sum::<usize>()));
    text.push_str("user name,password");
    for protocol in &answers.protocols {
        let name = protocol.name().to_uppercase();
        let _ = write!(text, ",{name} server,{name} port,{name} security");
    }
    text.push_str("\r\n");
    for account in accounts {
        cell(&mut text, &account.mailbox);
        text.push(',');
        let password = match &account.password {
            Some(Password::New(made)) => made.password.text(),
            Some(Password::AsBefore(_)) => "as before",
            None => "",
        };
        cell(&mut text, password);
        for protocol in &answers.protocols {
            let door = answers.place.door(*protocol);
            text.push(',');
            cell(&mut text, &server);
            let _ = write!(text, ",{},{}", door.port, door.security);
        }
        text.push_str("\r\n");
    }
    Zeroizing::new(text.as_bytes().to_vec())
}

/// RFC 4180: quotes around, those within doubled.
fn cell(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        if c == '"' {
            text.push('"');
        }
        text.push(c);
    }
    text.push('"');
}
