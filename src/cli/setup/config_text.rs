//! The configuration: as little as works, each line with its reason.

use std::fmt::Write as _;

use ipnet::IpNet;

use super::answers::Answers;
use super::layout;
use super::made::Account;
use super::place::Place;
use super::way::{Proof, Way};
use crate::provider::Protocol;

/// Addresses that are nobody's (RFC 5737): until the right ones are known, nobody gets in.
pub(super) const NOBODY: &str = "192.0.2.0/24";

/// A key, its value in TOML, and why it is there; either may be a comment alone.
type Line = (&'static str, String, &'static str);

/// The text of the file.
pub(super) fn of(answers: &Answers, accounts: &[Account]) -> String {
    let mut text = head(answers);
    if answers.has_users_file() {
        text += "\n# Who may log in: an account a line. `saslgate reload` takes what has changed in it.\n";
        text += &lines(&[("users_file", quoted(layout::USERS), "")]);
    }
    text += "\n[app]\n";
    text += &lines(&app(answers));
    if let Some(comment) = beside_app(answers) {
        text += comment;
    }
    if !answers.has_users_file() {
        for account in accounts {
            text += "\n[[account]]\n";
            text += &lines(&self::account(answers, account));
        }
    }
    for protocol in &answers.protocols {
        text += &listener(answers, *protocol);
    }
    text
}

fn head(answers: &Answers) -> String {
    let product = answers.product.facts().name;
    let way = answers.way.name();
    let doors = answers.protocols.iter().map(|protocol| {
        let port = answers.place.door(*protocol).port;
        format!("{} at localhost:{port}", protocol.name().to_uppercase())
    });
    let about = match answers.place {
        Place::ThisMachine => format!(
            "Mail clients log in on this machine: {}.",
            doors.collect::<Vec<_>>().join(", ")
        ),
        Place::Containers => {
            "For saslgate's image, which listens on every address of its container: 1143, 1110 and 1587. Publish none of these ports.".to_owned()
        }
        _ => "Mail clients log in from other machines: the listeners are at the end.".to_owned(),
    };
    format!(
        "# Written by `saslgate setup`. {product}. {way}.\n\
         # {about}\n\
         # After every change: saslgate check. config/reference.toml has every key there is.\n"
    )
}

fn app(answers: &Answers) -> Vec<Line> {
    let mut lines = vec![
        ("grant", quoted(answers.way.grant()), ""),
        (
            "tenant",
            quoted(&answers.tenant),
            "App registrations > the app > Overview > Directory (tenant) ID",
        ),
        ("client_id", quoted(answers.client_id()), client_id(answers)),
    ];
    match answers.proof {
        Proof::None => {}
        Proof::Secret => {
            let about = "holds the Value, not the Secret ID; nobody else may read it";
            lines.push(("client_secret_file", quoted(&layout::secret(answers)), about));
            if let Some(day) = &answers.secret_expires {
                lines.push((
                    "client_secret_expires",
                    day.clone(),
                    "from 30 days before, saslgate says so",
                ));
            }
        }
        Proof::Certificate => {
            let about = "app.cer beside it is the one that is uploaded in the portal";
            lines.push(("certificate", quoted(&layout::app(answers, "pem")), about));
            lines.push(("key", quoted(&layout::app(answers, "key")), ""));
        }
    }
    if answers.preset.name != "microsoft365" {
        lines.push((
            "preset",
            quoted(answers.preset.name),
            "the cloud that the tenant is in",
        ));
    }
    lines
}

fn client_id(answers: &Answers) -> &'static str {
    if answers.client_id.is_none() {
        "REPLACE IT: the same page > Application (client) ID"
    } else {
        "the same page > Application (client) ID"
    }
}

/// What people look for here, and is not needed.
fn beside_app(answers: &Answers) -> Option<&'static str> {
    match (answers.way, answers.proof, &answers.secret_expires) {
        (Way::Browser, _, _) => Some(
            "# The redirect URI that is registered is http://localhost:8425/; another one is named by redirect_uri = \"…\".\n",
        ),
        (_, Proof::Secret, None) => {
            Some("# client_secret_expires = 2027-11-01 has saslgate warn 30 days before.\n")
        }
        _ => None,
    }
}

fn account(answers: &Answers, account: &Account) -> Vec<Line> {
    let mut lines = vec![
        (
            "login",
            quoted(&account.mailbox),
            "the mailbox's address; the user name in the mail client",
        ),
        (
            "protocols",
            list(answers.protocols.iter().map(|protocol| protocol.name())),
            "",
        ),
    ];
    if let Some((short, _)) = account
        .mailbox
        .split_once('@')
        .filter(|_| account.has_short_login)
    {
        let about = "some mail programs propose it as the user name";
        lines.push(("logins", list([short].into_iter()), about));
    }
    if let Some(person) = &answers.signs_in_as {
        let about = "who runs `saslgate sign-in`, and has Full Access to the mailbox";
        lines.push(("signs_in_as", quoted(person), about));
    }
    match &account.password {
        Some(password) => lines.push((
            "password",
            match password.stored() {
                [one] => quoted(one),
                several => list(several.iter().map(String::as_str)),
            },
            "the hash of the mail client's password; `saslgate password` makes another",
        )),
        None => lines.push((
            "#",
            "The mail client types the mailbox's own password at Microsoft.".to_owned(),
            "",
        )),
    }
    lines
}

/// Nothing where the usual listeners do: on this machine, those of all three protocols.
fn listener(answers: &Answers, protocol: Protocol) -> String {
    let place = answers.place;
    let door = place.door(protocol);
    if place == Place::ThisMachine && answers.protocols.len() < Protocol::ALL.len() {
        let bind = list([format!("localhost:{}", door.port).as_str()].into_iter());
        let lines = lines(&[("protocol", quoted(protocol.name()), ""), ("bind", bind, "")]);
        return format!("\n[[listener]]\n{lines}");
    }
    if !place.has_networks() {
        return String::new();
    }
    let mut lines = vec![
        ("protocol", quoted(protocol.name()), ""),
        (
            "bind",
            list(binds(answers, door.port).iter().map(String::as_str)),
            "",
        ),
        ("tls", quoted(door.tls), tls(door.tls)),
    ];
    if place.has_certificate() {
        lines.push(("certificate", quoted(layout::SERVER), certificate(place)));
        lines.push(("key", quoted(layout::SERVER_KEY), ""));
    }
    let from = networks(answers);
    if place == Place::NetworkPlain {
        lines.push((
            "plaintext_from",
            from.clone(),
            "passwords from there cross the network in clear",
        ));
    }
    let about = if answers.networks.is_empty() {
        "REPLACE 192.0.2.0/24, which is nobody, by the addresses that may connect"
    } else {
        "nobody else may connect"
    };
    lines.push(("allow_from", from, about));
    if place == Place::Internet {
        lines.push(("passwords", quoted("generated"), "nobody guesses one of those"));
    }
    format!("\n[[listener]]\n{}", self::lines(&lines))
}

fn tls(tls: &str) -> &'static str {
    match tls {
        "implicit" => "from the first byte: SSL/TLS",
        "starttls" => "no password is read before it",
        _ => "",
    }
}

const fn certificate(place: Place) -> &'static str {
    match place {
        Place::Internet => "REPLACE BOTH FILES by a certificate that the product trusts, for the public name",
        _ => "mail clients trust it once they have certs/ca.pem",
    }
}

/// Every address of the families that may come. A public name leads to both, and who comes by the one that is not allowed is in the
/// log; on a network a mail client that is refused by IPv6 tries IPv4, and one that is let in and hung up on does not.
fn binds(answers: &Answers, port: u16) -> Vec<String> {
    let has_v6 = answers
        .networks
        .iter()
        .any(|network| matches!(network, IpNet::V6(_)));
    let v4 = format!("0.0.0.0:{port}");
    if has_v6 || answers.place == Place::Internet {
        vec![v4, format!("[::]:{port}")]
    } else {
        vec![v4]
    }
}

/// Who may connect, this machine included: `saslgate test` and whoever looks for a fault are there.
fn networks(answers: &Answers) -> String {
    let mut networks = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
    for network in &answers.networks {
        let is_host = network.prefix_len() == network.max_prefix_len();
        let text = if is_host {
            network.addr().to_string()
        } else {
            network.to_string()
        };
        networks.push(text);
    }
    if answers.networks.is_empty() {
        networks.push(NOBODY.to_owned());
    }
    list(networks.iter().map(String::as_str))
}

/// Values below each other, and comments.
fn lines(lines: &[Line]) -> String {
    let widest = lines.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (key, value, about) in lines {
        // Writing to a string cannot fail.
        let _ = match (*key, *about) {
            ("#", _) => writeln!(text, "# {value}"),
            (key, "") => writeln!(text, "{key:<widest$} = {value}"),
            // A comment beside a long value is not seen any more.
            (key, about) if value.len() > 60 => writeln!(text, "# {about}\n{key:<widest$} = {value}"),
            (key, about) => writeln!(text, "{key:<widest$} = {value} # {about}"),
        };
    }
    text
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.map(quoted).collect();
    format!("[{}]", texts.join(", "))
}
