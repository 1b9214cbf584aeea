//! Accounts and logins for the tests of this room.

mod cost;
mod device;
mod guessing;
mod opens;

use std::collections::HashMap;
use std::sync::Arc;

use super::password::{ChosenHash, Cost, GeneratedPassword};
use super::*;
use crate::downstream::Credentials;
use crate::oauth::{App, ClientCredentials, Command, Dialect, Grant, Proof, Registration};
use crate::peer::Peer;
use crate::provider::UpstreamTls;
use crate::secret::Secret;

pub(super) fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

pub(super) fn login(text: &str) -> LoginName {
    LoginName::parse(text.as_bytes()).unwrap()
}

pub(super) fn peer(address: &str) -> Peer {
    Peer::new(address.parse().unwrap())
}

/// A login from this machine.
pub(super) fn here() -> Peer {
    peer("127.0.0.1:50000")
}

/// A listener that takes every password.
pub(super) fn at(protocol: Protocol, peer: &Peer) -> Entrance<'_> {
    Entrance {
        protocol,
        peer,
        passwords: Passwords::Any,
    }
}

pub(super) fn saying(authzid: &str, user: &str, password: &[u8]) -> Credentials {
    Credentials::Password {
        authzid: authzid.into(),
        user: user.into(),
        password: Secret::new(password.to_vec()),
    }
}

pub(super) fn app_only() -> Grant {
    Grant::ClientCredentials(ClientCredentials {
        registration: Registration {
            token_url: "https://login.example/t/token".parse().unwrap(),
            client_id: "id".into(),
            proof: Proof::Secret(Secret::new("secret".into())),
            dialect: Dialect::Scope,
        },
        scope: "scope".into(),
    })
}

pub(super) fn by_command() -> Grant {
    Grant::Command(Command {
        argv: vec!["print".into()],
        timeout: std::time::Duration::from_secs(1),
    })
}

pub(super) fn route(grant: Grant, identity: Identity) -> Route {
    Route {
        app: Arc::new(App {
            name: "app".into(),
            grant,
            token_export: false,
            secret_expires: None,
        }),
        host: MailHost {
            name: "mail.example".into(),
            port: 993,
            tls: UpstreamTls::Implicit,
        },
        mechanism: BearerMechanism::XOAuth2,
        identity,
    }
}

/// An account for IMAP alone, without a password.
pub(super) fn account(name: &str) -> Account {
    let name = match name.strip_prefix("*@") {
        Some(domain) => Pattern::Domain(domain.into()),
        None => Pattern::Login(login(name)),
    };
    Account {
        name,
        logins: Vec::new(),
        mailbox: None,
        signs_in_as: None,
        passwords: Vec::new(),
        imported: false,
        upstream_password: None,
        routes: HashMap::from([(Protocol::Imap, route(app_only(), Identity::Mailbox))]),
        allow_from: Vec::new(),
        may_open: Vec::new(),
        watch: true,
        notify_in_client: false,
    }
}

/// A generated password: its text, and the account with it.
pub(super) fn generated(mut account: Account) -> (String, Account) {
    let (password, hash) = GeneratedPassword::make().unwrap();
    account.passwords.push(PasswordHash::Generated(hash));
    (password.text().to_owned(), account)
}

pub(super) fn chosen(password: &str, mut account: Account) -> Account {
    let hash = ChosenHash::make(&Secret::new(password.into()), Cost::CHEAP).unwrap();
    account.passwords.push(PasswordHash::Chosen(hash));
    account
}

pub(super) fn all(accounts: Vec<Account>) -> Accounts {
    Accounts::new(accounts, Shared::new().unwrap()).unwrap()
}

pub(super) async fn imap(accounts: &Accounts, credentials: &Credentials) -> Result<Authorized, RefusedLogin> {
    outcome(accounts.check(at(Protocol::Imap, &here()), credentials).await)
}

pub(super) fn outcome(verdict: Verdict) -> Result<Authorized, RefusedLogin> {
    match verdict {
        Verdict::Authorized(authorized) => Ok(authorized),
        Verdict::Ask(candidate) => panic!("{candidate:?}"),
        Verdict::Refused(why) => Err(why),
    }
}
