//! A saslgate as far as its desk goes, with accounts of all kinds, and what people ask of it.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::config::{self, System};
use crate::control::{
    News, Operations as _, Operator, Order, SignInOrder, SignInWay, Told, TroubleTold, talk,
};
use crate::secret::Secret;
use crate::server::house::{House, Parts, certificates, limits};
use crate::server::reload::{Requests, Standing};

pub(super) const CONFIG: &str = r#"
    [app.people]
    grant = "authorization_code"
    preset = "own"
    client_id = "people"
    scope = "mail offline_access"
    [app.page]
    grant = "authorization_code"
    preset = "own"
    client_id = "page"
    scope = "mail offline_access"
    redirect_uri = "https://mail.contoso.com/oauth/callback"
    [app.machine]
    grant = "client_credentials"
    preset = "own"
    client_id = "machine"
    client_secret_env = "PATH"
    scope = "mail/.default"
    [provider.own]
    token_url = "https://login.example/token"
    authorize_url = "https://login.example/authorize"
    imap = "imap.example:993"
    [[account]]
    login = "support@contoso.com"
    signs_in_as = "alice@contoso.com"
    app = "people"
    password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    protocols = ["imap"]
    [[account]]
    login = "bob@contoso.com"
    app = "page"
    password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    protocols = ["imap"]
    [[account]]
    login = "scanner@contoso.com"
    app = "machine"
    password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    protocols = ["imap"]
    [store]
    path = "state/tokens"
    "#;

pub(super) const SUPPORT: &str = "support@contoso.com";
pub(super) const BOB: &str = "bob@contoso.com";
pub(super) const SCANNER: &str = "scanner@contoso.com";
pub(super) const PAGE: &str = "https://mail.contoso.com/";

pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("saslgate.toml"), CONFIG).unwrap();
    folder
}

/// A saslgate, as far as its desk goes.
pub(super) struct Gate(House);

impl Gate {
    pub(super) fn start(folder: &Path) -> Self {
        Self::furnished(folder, Some(PAGE), true)
    }

    pub(super) fn furnished(folder: &Path, page: Option<&str>, running: bool) -> Self {
        let config = config::load(&folder.join("saslgate.toml"), &System).unwrap();
        let certificates = certificates(&config);
        let parts = Parts {
            upstream: config.upstream,
            accounts: config.accounts,
            apps: config.apps,
            store: config.state.store,
            limits: limits(&config.limits),
            certificates,
            alert: config.alert,
            devices: Vec::new(),
            account_names: false,
            admin_url: page.map(|page| page.parse().unwrap()),
        };
        let running = running.then(|| (SystemTime::now(), Requests::new().0, Standing::new()));
        Self(House::furnish(parts, None, running).unwrap())
    }

    pub(super) async fn stop(self) {
        let none = TaskTracker::new();
        none.close();
        self.0.keeping.hand_on(&self.0.context.tokens, &none).await;
    }

    /// Gives an order: the operator's side of what comes of it.
    pub(super) fn give(&self, order: Order) -> Operator {
        let (mut here, operator) = talk();
        let desk = Arc::clone(&self.0.desk);
        tokio::spawn(async move { desk.carry_out(order, &mut here).await });
        operator
    }

    /// All that comes of an order that waits for nobody.
    pub(super) async fn told(&self, order: Order) -> Vec<News> {
        let mut operator = self.give(order);
        let mut told = Vec::new();
        while let Some(news) = operator.hear().await {
            told.push(news);
        }
        told
    }

    pub(super) async fn refused(&self, order: Order) -> TroubleTold {
        match self.told(order).await.pop() {
            Some(News::Refused(trouble)) => trouble,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a link: what a browser opens.
    pub(super) async fn link(&self, account: &str) -> String {
        let told = self.told(make(Some(account))).await;
        let [News::Link { url, .. }] = &told[..] else {
            panic!("{told:?}")
        };
        url.0.expose().clone()
    }

    pub(super) async fn account_of(&self, link: &str) -> Option<String> {
        match self.told(look(link)).await.pop() {
            Some(News::LinkIs { account, .. }) => Some(account),
            Some(News::Refused(_)) => None,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn make(account: Option<&str>) -> Order {
    Order::MakeLink {
        account: account.map(Into::into),
        app: None,
        asked_by: " Jane\r\n(IT) ".into(),
    }
}

/// What a link ends with.
pub(super) fn token(link: &str) -> Told {
    let token = link.strip_prefix("https://mail.contoso.com/sign-in/").unwrap();
    Told(Secret::new(token.to_owned()))
}

pub(super) fn look(link: &str) -> Order {
    Order::LookAtLink { link: token(link) }
}

pub(super) fn sign_in(link: &str) -> Order {
    Order::SignInByLink { link: token(link) }
}

pub(super) fn at_the_terminal(account: &str) -> Order {
    Order::SignIn(SignInOrder {
        account: account.into(),
        app: None,
        way: SignInWay::Usual,
        accept_owner: false,
    })
}

/// The address that a browser is sent to.
pub(super) async fn address(operator: &mut Operator) -> url::Url {
    match operator.hear().await {
        Some(News::OpenBrowser {
            url,
            redirect_uri,
            listening: false,
            ..
        }) => {
            assert_eq!(redirect_uri, "https://mail.contoso.com/oauth/callback");
            url.0.expose().parse().unwrap()
        }
        other => panic!("{other:?}"),
    }
}
