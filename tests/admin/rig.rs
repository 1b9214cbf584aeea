//! A running saslgate with an admin page, one app that people sign in to, and Grace's account.

use std::net::SocketAddr;

use saslgate::sim::Demo;
use saslgate::sim::directory::{App, Platform};
use saslgate::sim::entra::{Browser as Seat, Does, Who};

use crate::http::{Answer, Browser};
use crate::people::{DELEGATED, Signing, client_id, free_port, text};
use crate::sign_in::looks_until;
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::place::Place;
use crate::support::program::Program;

/// The password of the page, and what is stored of it: as cheap as Argon2 can be.
pub(crate) const PASSWORD: &str = "canary-of-the-page: correct horse";

/// The number of the app.
const NUMBER: u16 = 7;

pub(crate) struct Rig {
    pub(crate) signing: Signing,
    pub(crate) grace: Account,
    pub(crate) config: Config,
    pub(crate) gate: Program,
    pub(crate) port: u16,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(&format!("password = \"{}\"\n", stored(PASSWORD)), |config, _| {
            config
        })
        .await
    }

    /// The same with other lines in `[admin]`, and with a changed configuration.
    pub(crate) async fn with(lines: &str, change: impl FnOnce(Config, &Signing) -> Config) -> Self {
        let (signing, port) = (Signing::new(), free_port());
        let callback = format!("http://localhost:{port}/oauth/callback");
        let app = App::new(client_id(NUMBER), Demo::TENANT)
            .redirect(Platform::Native, callback)
            .delegated(&DELEGATED)
            .public_flows();
        signing.sim.directory().add_app(app);
        signing
            .sim
            .directory()
            .consent(&client_id(NUMBER), Demo::TENANT, None, &DELEGATED);
        let grace = signing.account("grace").app("page");
        let config = Config::new(&signing.sim)
            .app(
                "page",
                SIMULATOR,
                &text(NUMBER, "authorization_code", signing.port),
            )
            .account(&grace)
            .table("admin", &format!("bind = \"127.0.0.1:{port}\"\n{lines}"));
        let config = change(config, &signing);
        let gate = Program::start(Place::new(&signing.sim), &config).await;
        Self {
            signing,
            grace,
            config,
            gate,
            port,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.port)
    }

    /// A browser whose operator has logged in.
    pub(crate) async fn operator(&self) -> Browser {
        let mut browser = self.browser();
        let answer = browser.log_in(PASSWORD).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/")),
            "{answer:?}"
        );
        browser
    }

    /// Grace's page.
    pub(crate) fn grace_page(&self) -> String {
        format!("/account?name={}", self.grace.login.replace('@', "%40"))
    }

    /// Begins Grace's sign-in at the page: where the browser is sent.
    pub(crate) async fn begin_sign_in(&self, browser: &mut Browser) -> String {
        let fields = [
            ("account", self.grace.login.as_str()),
            ("app", "page"),
            ("way", "page"),
        ];
        let page = browser.submit(&self.grace_page(), "/sign-in", &fields).await;
        assert_eq!(page.status, 200, "{page:?}");
        page.between("http-equiv=\"refresh\" content=\"0;url=", "\">")
    }

    /// The same by a form that does not say how.
    pub(crate) async fn begin_without_a_way(&self, browser: &mut Browser) {
        let fields = [("account", self.grace.login.as_str()), ("app", "page")];
        let page = browser.submit(&self.grace_page(), "/sign-in", &fields).await;
        page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    }

    /// Signs Grace in at the page.
    pub(crate) async fn signs_in(&self, browser: &mut Browser) {
        let address = self.begin_sign_in(browser).await;
        let back = self.comes_back(&address).await;
        assert_eq!(browser.get(&back).await.status, 303);
        looks_until(browser, "/signing-in", "is signed in").await;
    }

    /// Has a link made for Grace at the page: its path.
    pub(crate) async fn link(&self) -> String {
        let fields = [("account", self.grace.login.as_str()), ("app", "page")];
        let mut operator = self.operator().await;
        let page = operator.submit(&self.grace_page(), "/link", &fields).await;
        self.path_of_link(&page)
    }

    /// The path of the link that a page shows.
    pub(crate) fn path_of_link(&self, page: &Answer) -> String {
        let start = format!("http://localhost:{}/sign-in/", self.port);
        let rest = page.between(&start, "<");
        let secret = rest.split_whitespace().next().unwrap();
        assert_eq!(secret.len(), 43, "256 bits: {secret}");
        format!("/sign-in/{secret}")
    }

    /// Who sits at the provider's page from now on, and agrees to everything.
    pub(crate) fn sits(&self, who: &str) {
        let seat = Seat {
            who: Who::Person(who.to_owned()),
            does: Does::Agrees,
        };
        self.signing.sim.entra().browser.set(seat);
    }

    /// The path and query at which the provider sends the browser back.
    pub(crate) async fn comes_back(&self, address: &str) -> String {
        let back = self.signing.browser.sent_back(address).await;
        let origin = format!("http://localhost:{}", self.port);
        back.strip_prefix(&origin)
            .unwrap_or_else(|| panic!("{back}"))
            .to_owned()
    }
}

/// `[admin]` at that port, with TLS.
pub(crate) fn with_tls(port: u16) -> String {
    format!(
        "bind = \"127.0.0.1:{port}\"\nurl = \"https://localhost:{port}\"\ncertificate = \"listener.pem\"\nkey = \"listener.key\"\n\
         password = \"{}\"\n",
        stored(PASSWORD)
    )
}

/// A browser that speaks TLS and follows nothing.
pub(crate) fn https(trusting: &rustls::ClientConfig) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(trusting.clone())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// What is stored of a chosen password.
pub(crate) fn stored(password: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    const SALT: &[u8; 16] = b"of no importance";
    let mut hash = [0; 32];
    let params = argon2::Params::new(8, 1, 1, Some(hash.len())).unwrap();
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(password.as_bytes(), SALT, &mut hash)
        .unwrap();
    let [salt, hash] = [&SALT[..], &hash].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    format!("sg2:8:1:1:{salt}:{hash}")
}
