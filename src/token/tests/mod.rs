//! What logins get, and what that costs in requests. Time is paused: only the tests move it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

use super::clock::{Clock, Moment};
use super::manager::Tokens;
use super::pending::Pending;
use super::request::TokenRequest;
use super::source::{Minting, Source};
use super::{AccessToken, Kind, TokenError};
use crate::name::Mailbox;
use crate::oauth::{
    App, ClientCredentials, Command, Dialect, Grant, Holder, Issued, Proof, Registration, TokenKey,
};
use crate::secret::Secret;

mod failing;
mod isolation;
mod lifetimes;
mod refused;
mod replaced;
mod sharing;
mod silence;

/// What the source does with one request.
enum Act {
    /// Gives a token that lives so many seconds.
    Token(u64),
    /// Gives this token, which lives so many seconds.
    Same(&'static str, u64),
    /// Fails.
    Fail(TokenError),
    /// Panics.
    Panic,
    /// Does the second, but only after the first.
    After(Duration, Box<Act>),
}

impl Act {
    fn after(seconds: u64, act: Self) -> Self {
        Self::After(Duration::from_secs(seconds), Box::new(act))
    }

    async fn happen(self, number: usize) -> Result<Issued, TokenError> {
        match self {
            Self::Token(seconds) => Ok(issued(&format!("token-{number}"), seconds)),
            Self::Same(token, seconds) => Ok(issued(token, seconds)),
            Self::Fail(error) => Err(error),
            Self::Panic => panic!("a defect in a grant"),
            Self::After(delay, act) => {
                sleep(delay).await;
                Box::pin(act.happen(number)).await
            }
        }
    }
}

fn issued(token: &str, seconds: u64) -> Issued {
    Issued {
        token: Secret::new(token.to_owned()),
        lifetime: Duration::from_secs(seconds),
    }
}

/// A source that does what it is told, and then gives tokens of an hour.
#[derive(Clone, Default)]
struct Script {
    acts: Arc<Mutex<VecDeque<Act>>>,
    requests: Arc<AtomicUsize>,
    /// Requests in the air now, and the most there ever were.
    flying: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Script {
    fn then(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn most_at_once(&self) -> usize {
        self.flying.1.load(Ordering::SeqCst)
    }
}

impl Source for Script {
    fn mint(&self, _request: Arc<TokenRequest>) -> Minting {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Token(3600));
        let flying = Arc::clone(&self.flying);
        Box::pin(async move {
            let now = flying.0.fetch_add(1, Ordering::SeqCst) + 1;
            flying.1.fetch_max(now, Ordering::SeqCst);
            let result = act.happen(number).await;
            flying.0.fetch_sub(1, Ordering::SeqCst);
            result
        })
    }
}

/// Both clocks, moved by the tests: together by tokio's paused time, apart by hand.
#[derive(Clone)]
struct TestClock {
    start: Instant,
    apart: Arc<Mutex<Apart>>,
}

#[derive(Default)]
struct Apart {
    wall: i64,
    boot: u64,
}

impl TestClock {
    /// Sets the wall clock forward or back.
    fn set_wall(&self, seconds: i64) {
        self.apart.lock().unwrap().wall += seconds;
    }

    /// The machine sleeps: both clocks go on, tokio's timers do not.
    fn sleep_machine(&self, seconds: u64) {
        let mut apart = self.apart.lock().unwrap();
        apart.boot += seconds;
        apart.wall += i64::try_from(seconds).unwrap();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let apart = self.apart.lock().unwrap();
        let passed = self.start.elapsed();
        let wall = UNIX_EPOCH + Duration::from_secs((1_763_700_000 + apart.wall).unsigned_abs()) + passed;
        Moment {
            wall: SystemTime::max(wall, UNIX_EPOCH),
            boot: Duration::from_secs(1000 + apart.boot) + passed,
        }
    }
}

/// Tokens over a script, without renewal ahead unless a test turns it on.
struct Rig {
    tokens: Tokens,
    source: Script,
    clock: TestClock,
}

impl Rig {
    fn new() -> Self {
        let source = Script::default();
        let clock = TestClock {
            start: Instant::now(),
            apart: Arc::default(),
        };
        let tokens = Tokens::with(Box::new(source.clone()), Box::new(clock.clone()));
        Self {
            tokens,
            source,
            clock,
        }
    }

    /// A login that asks for its token.
    fn login(&self, request: &TokenRequest) -> Pending {
        self.tokens.request(request.clone())
    }

    /// A login's token, by name.
    async fn token(&self, request: &TokenRequest) -> String {
        said(&self.login(request).token().await.unwrap())
    }

    /// What a login is told instead of getting a token.
    async fn error(&self, request: &TokenRequest) -> Arc<TokenError> {
        self.login(request).token().await.unwrap_err()
    }
}

fn said(token: &AccessToken) -> String {
    token.secret().expose().clone()
}

/// Lets virtual time pass, and whatever is due in it happen in its order.
async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

fn app_only(secret: &str, scope: &str) -> Arc<App> {
    Arc::new(App {
        name: "app".into(),
        grant: Grant::ClientCredentials(ClientCredentials {
            registration: Registration {
                token_url: "https://login.example/t/oauth2/v2.0/token".parse().unwrap(),
                client_id: "id".into(),
                proof: Proof::Secret(Secret::new(secret.into())),
                dialect: Dialect::Scope,
            },
            scope: scope.into(),
        }),
        token_export: false,
        secret_expires: None,
    })
}

fn command() -> Arc<App> {
    Arc::new(App {
        name: "printer".into(),
        grant: Grant::Command(Command {
            argv: vec!["print-token".into(), "{mailbox}".into()],
            timeout: Duration::from_secs(30),
        }),
        token_export: false,
        secret_expires: None,
    })
}

/// What a login of that mailbox asks for.
fn request(app: &Arc<App>, mailbox: &str) -> TokenRequest {
    let mailbox = Mailbox::parse(mailbox).unwrap();
    let holder = Holder {
        account: mailbox.as_str(),
        owner: &mailbox,
        mailbox: &mailbox,
    };
    TokenRequest {
        key: TokenKey::of(app, holder),
        app: Arc::clone(app),
        account: mailbox.as_str().into(),
        name: mailbox.as_str().into(),
        owner: mailbox.clone(),
        mailbox,
        password: None,
        by_operator: false,
    }
}

/// A login with the app's own token.
fn alice() -> TokenRequest {
    request(&app_only("secret", "scope"), "alice@contoso.com")
}

fn outage() -> TokenError {
    TokenError::temporary("the endpoint is down", "a test", "nothing")
}

fn ended() -> TokenError {
    TokenError::new(Kind::NeedsSignIn, "the sign-in has ended", "a test", "sign in")
}

fn wrong_secret() -> TokenError {
    TokenError::misconfigured("the client secret is wrong", "a test", "another secret")
}
