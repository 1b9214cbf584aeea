//! Logins for tests of the rooms behind them: an account for IMAP, and what its check says.

use std::collections::HashMap;
use std::sync::Arc;

use saslgate::account::password::GeneratedPassword;
use saslgate::account::{
    Account, Accounts, Authorized, Entrance, Identity, PasswordHash, Passwords, Pattern, Route, Shared,
    Verdict,
};
use saslgate::downstream::Credentials;
use saslgate::name::LoginName;
use saslgate::oauth::App;
use saslgate::peer::Peer;
use saslgate::provider::{BearerMechanism, MailHost, Protocol, UpstreamTls};
use saslgate::secret::Secret;

/// The one account of a configuration, with these passwords.
pub(crate) fn accounts(app: &Arc<App>, mailbox: &str, passwords: Vec<PasswordHash>) -> Accounts {
    let account = account(app, mailbox, passwords);
    Accounts::new(vec![account], Shared::new().unwrap()).unwrap()
}

/// The one account of a configuration, with a password that the token store keeps.
#[allow(dead_code, reason = "one of the test programs imports")]
pub(crate) fn imported_accounts(app: &Arc<App>, mailbox: &str) -> Accounts {
    let account = Account {
        imported: true,
        ..account(app, mailbox, Vec::new())
    };
    Accounts::new(vec![account], Shared::new().unwrap()).unwrap()
}

fn account(app: &Arc<App>, mailbox: &str, passwords: Vec<PasswordHash>) -> Account {
    let route = Route {
        app: Arc::clone(app),
        host: MailHost {
            name: "localhost".into(),
            port: 993,
            tls: UpstreamTls::Implicit,
        },
        mechanism: BearerMechanism::XOAuth2,
        identity: Identity::Mailbox,
    };
    Account {
        name: Pattern::Login(LoginName::parse(mailbox.as_bytes()).unwrap()),
        logins: Vec::new(),
        mailbox: None,
        signs_in_as: None,
        passwords,
        imported: false,
        upstream_password: None,
        routes: HashMap::from([(Protocol::Imap, route)]),
        allow_from: Vec::new(),
        may_open: Vec::new(),
        watch: true,
        notify_in_client: false,
    }
}

/// A mail client of this machine types that.
pub(crate) async fn check<'a>(accounts: &'a Accounts, user: &str, password: &str) -> Verdict<'a> {
    let credentials = Credentials::Password {
        authzid: Vec::new(),
        user: user.into(),
        password: Secret::new(password.into()),
    };
    let peer = Peer::new("127.0.0.1:50000".parse().unwrap());
    let entrance = Entrance {
        protocol: Protocol::Imap,
        peer: &peer,
        passwords: Passwords::Any,
    };
    accounts.check(entrance, &credentials).await
}

/// A login that was found right, by a generated password.
pub(crate) async fn authorized(app: &Arc<App>, mailbox: &str) -> Authorized {
    let (password, hash) = GeneratedPassword::make().unwrap();
    let accounts = accounts(app, mailbox, vec![PasswordHash::Generated(hash)]);
    match check(&accounts, mailbox, password.text()).await {
        Verdict::Authorized(authorized) => authorized,
        Verdict::Ask(candidate) => panic!("{candidate:?}"),
        Verdict::Refused(why) => panic!("{why:?}"),
    }
}
