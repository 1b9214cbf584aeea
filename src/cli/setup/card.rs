//! What is typed into the mail client.

use std::fmt::Write as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::made::{Account, Password};
use super::product::Product;
use crate::provider::Protocol;

/// The settings of each mailbox. Its password is shown here and nowhere else.
pub(super) fn cards(answers: &Answers, accounts: &[Account]) -> Zeroizing<String> {
    const ROOM: usize = 2_048;
    // Made in one piece: a text that grows leaves copies of the passwords behind.
    let mut text = Zeroizing::new(String::with_capacity(ROOM * (accounts.len() + 1)));
    for account in accounts {
        card(&mut text, answers, account);
    }
    let _ = writeln!(text, "{}", hint(answers));
    text.push_str(&switches(answers));
    text
}

/// What to choose in it.
pub(super) fn hint(answers: &Answers) -> String {
    match answers.product {
        Product::OsTicket => osticket(answers),
        product => product.facts().hint.to_owned(),
    }
}

/// From 1.17 on it has no field for the security: the beginning of the host name says it, else the port, of which it knows 465, 587,
/// 993 and 995 alone.
fn osticket(answers: &Answers) -> String {
    let server = answers.place.server(answers.host.as_ref());
    let host = if server.contains(':') {
        format!("[{server}]")
    } else {
        server.clone()
    };
    let (mut boxes, mut old) = (Vec::new(), "None");
    for protocol in &answers.protocols {
        let door = answers.place.door(*protocol);
        let page = match protocol {
            Protocol::Smtp => "Outgoing (SMTP)",
            Protocol::Imap | Protocol::Pop3 => "Remote Mailbox",
        };
        let prefix = match door.tls {
            "implicit" => "ssl://",
            "starttls" => "tls://",
            _ => "",
        };
        if door.tls == "implicit" && *protocol != Protocol::Smtp {
            old = "SSL";
        }
        boxes.push(format!("{page}: Hostname {prefix}{host}, port {}", door.port));
    }
    let security = if answers.place.has_certificate() {
        "what stands in front of the name says the security, for which there is no field"
    } else {
        "without ssl:// or tls:// in front: there is no field for the security, and these ports mean none"
    };
    format!(
        "In osTicket: Emails > the address > {} ({security}); Authentication: Basic Authentication (Legacy), then Config: user name and password; \
         Status: Enable. The OAuth2 plugin can be disabled. Before 1.17: Emails > the address: Login Username and Login Password; \
         Mail Account: Host {server}, Port, Protocol, Encryption {old}; SMTP Settings: {server}, Port, Authentication Required Yes.",
        boxes.join("; ")
    )
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
