//! DavMail: `davmail.properties`.

use std::collections::BTreeMap;

use super::draft::{Account, App, Draft, Listener, Password, Proof};
use crate::provider::Protocol;

/// The client id that DavMail has where nobody gave it one: Microsoft's own Office, which has no permission for IMAP.
const OFFICE: &str = "d3590ed6-52b3-4102-aeff-aad2292ab01c";

/// Stands where the operator's own belongs.
const PLACEHOLDER: &str = "11111111-2222-3333-4444-555555555555";

const PORTS: [(&str, Protocol); 3] = [
    ("davmail.imapPort", Protocol::Imap),
    ("davmail.popPort", Protocol::Pop3),
    ("davmail.smtpPort", Protocol::Smtp),
];

const OTHER_PORTS: [(&str, &str); 2] = [("davmail.caldavPort", "CalDAV"), ("davmail.ldapPort", "LDAP")];

/// Reads a configuration.
pub(super) fn draft(text: &str) -> Result<Draft, String> {
    let all = properties(text);
    if !all.keys().any(|key| key.starts_with("davmail.")) {
        return Err("it has no keys that begin with davmail.: is this davmail.properties?".into());
    }
    let mut draft = Draft {
        source: "DavMail".to_owned(),
        ..Draft::default()
    };
    let get = |key: &str| all.get(key).map(String::as_str).filter(|value| !value.is_empty());
    listeners(&get, &mut draft);
    let protocols: Vec<_> = draft.listeners.iter().map(|listener| listener.protocol).collect();
    let app = app(&get, &mut draft);
    for user in users(&all) {
        draft.accounts.push(Account {
            login: user,
            app,
            protocols: protocols.clone(),
            password: Password::make(None)?,
        });
    }
    if draft.accounts.is_empty() {
        return Err("it names no mailbox (davmail.oauth.MAILBOX.refreshToken): whoever used DavMail is known to mail clients only, so write an [[account]] for each; `saslgate password` makes its password".into());
    }
    draft.note(
        "davmail.oauth.*.refreshToken",
        "its tokens can't be taken over: they were issued to DavMail's client id for EWS or Graph, which open no mailbox by IMAP, POP3 or SMTP, and are sealed by a scheme of its own",
        "each person signs in once: `saslgate sign-in MAILBOX`, or `saslgate sign-in MAILBOX --device` from anywhere",
    );
    Ok(draft)
}

/// `key=value` lines of Java, with their escapes as far as addresses and paths have them.
fn properties(text: &str) -> BTreeMap<String, String> {
    let is_comment = |line: &&str| line.is_empty() || line.starts_with(['#', '!']);
    let lines = text.lines().map(str::trim).filter(|line| !is_comment(line));
    let plain = |text: &str| {
        text.trim()
            .replace("\\:", ":")
            .replace("\\=", "=")
            .replace("\\ ", " ")
            .replace("\\\\", "\\")
    };
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (plain(key), plain(value)))
        .collect()
}

/// The mailboxes that tokens are kept for.
fn users(all: &BTreeMap<String, String>) -> Vec<String> {
    let of = |key: &String| {
        let user = key
            .strip_prefix("davmail.oauth.")?
            .strip_suffix(".refreshToken")?;
        user.contains('@').then(|| user.to_owned())
    };
    all.keys().filter_map(of).collect()
}

fn listeners<'a>(get: &impl Fn(&str) -> Option<&'a str>, draft: &mut Draft) {
    let is_remote = get("davmail.allowRemote") == Some("true");
    for (key, protocol) in PORTS {
        let Some(port) = get(key)
            .and_then(|port| port.parse::<u16>().ok())
            .filter(|port| *port > 0)
        else {
            continue;
        };
        let bind = match get("davmail.bindAddress").and_then(|address| address.parse().ok()) {
            Some(address) => vec![std::net::SocketAddr::new(address, port).to_string()],
            None if is_remote => vec![format!("0.0.0.0:{port}"), format!("[::]:{port}")],
            None => vec![format!("localhost:{port}")],
        };
        draft.listeners.push(Listener {
            was: key.to_owned(),
            protocol,
            bind,
            tls: None,
        });
    }
    if get("davmail.ssl.keystoreFile").is_some() {
        let fix = "make a certificate with `saslgate certs DIR`, or name PEM files by `certificate` and `key`, and set `tls` in each listener";
        draft.note("davmail.ssl.keystoreFile", "saslgate reads no Java keystore", fix);
    } else if is_remote {
        let fix = "add their networks to each listener as `plaintext_from` and `allow_from`, or give it a certificate (`saslgate certs`)";
        draft.note("davmail.allowRemote", "mail clients on other machines sent passwords in clear; saslgate takes those from this machine only", fix);
    }
    for (key, name) in OTHER_PORTS {
        if get(key).is_some_and(|port| port != "0") {
            let fix = "keep DavMail for it, with its other ports empty";
            draft.note(
                key,
                format!("saslgate has no {name}: it speaks IMAP, POP3 and SMTP only"),
                fix,
            );
        }
    }
}

fn app<'a>(get: &impl Fn(&str) -> Option<&'a str>, draft: &mut Draft) -> usize {
    let own = get("davmail.oauth.clientId").filter(|id| *id != OFFICE);
    if own.is_none() {
        draft.note(
            "davmail.oauth.clientId",
            "DavMail used Microsoft's own client id, which may not open mailboxes by IMAP, POP3 or SMTP",
            format!(
                "register an app (docs/entra-setup.md) and write its client id in the place of {PLACEHOLDER}"
            ),
        );
    } else {
        let fix = "add IMAP.AccessAsUser.All, POP.AccessAsUser.All and SMTP.Send to it (docs/entra-setup.md)";
        draft.note(
            "davmail.oauth.clientId",
            "the app registration has permissions for EWS or Graph",
            fix,
        );
    }
    draft.app(App {
        name: String::new(),
        preset: "microsoft365".to_owned(),
        tenant: Some(get("davmail.oauth.tenantId").unwrap_or("common").to_owned()),
        client_id: Some(own.unwrap_or(PLACEHOLDER).to_owned()),
        proof: Proof::Nothing,
        grant: "authorization_code",
        scope: None,
        redirect_uri: None,
    })
}
