//! `[alert]`: who is told when something is wrong, and how.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use url::{Host, Url};

use super::fingerprint::{Fingerprint, Sum};
use super::keys;
use super::program;
use super::reader::{At, Reader, Text};
use super::table::Table;
use crate::account::{Account, Pattern};
use crate::hook::{Mail, Settings, Webhook};
use crate::name::{LoginName, Mailbox};
use crate::provider::Protocol;
use crate::secret::Secret;

/// Reads `[alert]`, and a fingerprint of all that it says.
pub(super) fn read(
    root: &Table<'_>,
    accounts: &[Account],
    reader: &mut Reader<'_>,
) -> (Settings, Fingerprint) {
    // Of a file with errors not every account is known, and one that seems to be missing may be among those.
    let is_complete = reader.errors() == 0;
    let mut sum = Sum::new();
    let Some(table) = root.sub("alert", &keys::ALERT, reader) else {
        return (Settings::default(), sum.end());
    };
    let settings = Settings {
        command: program::argv(&table, "until it can be, no alert is told by it", reader),
        webhook: webhook(&table, reader),
        mail: mail(&table, accounts, is_complete, reader),
    };
    for argument in settings.command.iter().flatten() {
        sum.add(argument.as_bytes());
    }
    if let Some(webhook) = &settings.webhook {
        sum.add(b"webhook");
        sum.add(webhook.url.as_str().as_bytes());
        let header = webhook.authorization.as_ref();
        sum.add(header.map_or(&[], |header| header.expose().as_bytes()));
    }
    if let Some(Mail { from, to }) = &settings.mail {
        sum.add(b"mail");
        sum.add(from.as_str().as_bytes());
        for to in to {
            sum.add(to.as_str().as_bytes());
        }
    }
    (settings, sum.end())
}

fn webhook(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Webhook> {
    let header = table.text("webhook_header_file", reader);
    let Some(text) = table.text("webhook", reader) else {
        if let Some(header) = header.filter(|_| table.key("webhook").is_none()) {
            reader.no_effect(&header.span, "webhook_header_file", "there is no `webhook`");
        }
        return None;
    };
    let url = url(&text, reader);
    let authorization = match header {
        Some(header) => Some(Arc::new(authorization(&header, reader)?)),
        None => None,
    };
    Some(Webhook {
        url: url?,
        authorization,
    })
}

/// The value is never repeated: services for chat and paging put a secret into the path.
fn url(text: &Text, reader: &mut Reader<'_>) -> Option<Url> {
    let (why, fix) = match Url::parse(&text.value) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "there is a user name or a password in it",
            "put `Basic …` into a file and name it with `webhook_header_file`",
        ),
        Ok(url) if url.scheme() == "https" && url.has_host() => return Some(url),
        Ok(url) if url.scheme() == "http" && is_here(&url) => return Some(url),
        Ok(url) if url.scheme() == "http" => (
            "without TLS whoever is on the way can read what is wrong here, and the address or the header that opens the receiver",
            "write https://…; http is for a receiver on this machine only",
        ),
        _ => ("it is no address of the web", "write \"https://HOST/PATH\""),
    };
    reader.error(&text.span, "`webhook` cannot be used", why, fix);
    None
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// What is in the file, without the line end that every editor adds.
fn authorization(named: &Text, reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let content = reader.secret_file(named)?;
    let text = str::from_utf8(content.expose()).unwrap_or_default().trim_end();
    let is_whole_header = text.to_ascii_lowercase().starts_with("authorization:");
    if !text.is_empty() && text.is_ascii() && HeaderValue::from_str(text).is_ok() && !is_whole_header {
        return Some(Secret::new(text.to_owned()));
    }
    reader.error(
        &named.span,
        "what is in `webhook_header_file` cannot be used",
        "it is not the value of an Authorization header on one line",
        "write `Bearer …` or `Basic …` into the file, without the header's name",
    );
    None
}

fn mail(table: &Table<'_>, accounts: &[Account], is_complete: bool, reader: &mut Reader<'_>) -> Option<Mail> {
    for (key, other, why) in [
        ("mail_from", "mail_to", "somebody has to send them"),
        ("mail_to", "mail_from", "somebody has to get them"),
    ] {
        if table.key(key).is_none() && table.key(other).is_some() {
            let fix = format!("add `{key}`, or remove `{other}`");
            table.missing(key, why, &fix, reader);
        }
    }
    let from = table.text("mail_from", reader);
    let to = table.texts("mail_to", reader);
    let from = from.and_then(|from| sender(&from, accounts, is_complete, reader));
    let to = recipients(to?, reader);
    Some(Mail { from: from?, to: to? })
}

/// The account that sends: one that opens one mailbox, by SMTP, and whose address every mail server takes.
fn sender(
    text: &Text,
    accounts: &[Account],
    is_complete: bool,
    reader: &mut Reader<'_>,
) -> Option<LoginName> {
    let name = LoginName::parse(text.value.as_bytes()).ok();
    let answers = |account: &&Account| match (&account.name, &name) {
        (Pattern::Login(own), Some(name)) => own == name || account.logins.contains(name),
        _ => false,
    };
    let account = accounts.iter().find(answers);
    let (why, fix) = match account {
        None if !is_complete => return name,
        None => (
            "no [[account]] has this login",
            "write the `login` of an account that may send",
        ),
        Some(account) if !account.routes.contains_key(&Protocol::Smtp) => (
            "this account has no SMTP",
            "add \"smtp\" to its `protocols`, or name another",
        ),
        Some(account) if !is_sayable(&sends_as(account)) => (
            "its mailbox has other characters than mail servers take from everybody",
            "name an account with a plain address",
        ),
        Some(_) => return name,
    };
    reader.error(
        &text.span,
        format!("`mail_from` = {} cannot send", text.shown()),
        why,
        fix,
    );
    None
}

fn sends_as(account: &Account) -> String {
    let mailbox = account.mailbox.as_ref();
    mailbox.map_or_else(|| account.name.to_string(), ToString::to_string)
}

fn recipients(list: At<Vec<Text>>, reader: &mut Reader<'_>) -> Option<Vec<Mailbox>> {
    let mut to = Vec::new();
    for text in list.value {
        match Mailbox::parse(&text.value) {
            Ok(mailbox) if is_sayable(&text.value) => to.push(Some(mailbox)),
            _ => {
                reader.error(
                    &text.span,
                    format!("`mail_to` = {} is not an address", text.shown()),
                    "a recipient is NAME@DOMAIN in plain characters",
                    "write the address alone, without a name before it",
                );
                to.push(None);
            }
        }
    }
    to.into_iter().collect()
}

/// Whether an address can be said in SMTP and in a header as it is: a dot-atom on both sides (RFC 5322 3.4.1).
fn is_sayable(address: &str) -> bool {
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_dotted = |part: &str| {
        part.split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
    };
    address
        .rsplit_once('@')
        .is_some_and(|(local, domain)| is_dotted(local) && is_dotted(domain))
}
