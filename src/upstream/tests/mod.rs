//! Opening an upstream over real sockets on loopback.

mod certificates;
mod retries;
mod server;

use std::sync::{Arc, Mutex};

use super::attempt::Way;
use super::{Claim, Opened, Settings, Upstream, UpstreamError};
use crate::name::Mailbox;
use crate::oauth::{Kind, TokenError};
use crate::provider::{BearerMechanism, MailHost, Protocol};
use crate::secret::Secret;
use crate::transport::Tap;
use server::Authority;

/// A claim on a token that the test made up.
#[derive(Clone)]
struct Wallet {
    near: bool,
    /// None: the source of tokens fails, and with what.
    token: Option<&'static str>,
    fails: Kind,
    /// What is given for a token that was refused.
    other: Option<Box<Wallet>>,
    /// How often a token was waited for.
    asked: Arc<Mutex<u32>>,
}

impl Wallet {
    fn with(token: &'static str) -> Self {
        Self {
            near: true,
            token: Some(token),
            fails: Kind::Temporary { retry_after: None },
            other: None,
            asked: Arc::default(),
        }
    }

    fn or(mut self, other: &'static str) -> Self {
        self.other = Some(Box::new(Self::with(other)));
        self
    }

    fn or_failure(mut self, fails: Kind) -> Self {
        self.other = Some(Box::new(Self {
            fails,
            ..Self::empty()
        }));
        self
    }

    fn empty() -> Self {
        Self {
            token: None,
            ..Self::with("")
        }
    }

    fn far(mut self) -> Self {
        self.near = false;
        self
    }
}

impl Claim for Wallet {
    type Token = Secret<String>;

    fn is_near(&self) -> bool {
        self.near
    }

    async fn token(&self) -> Result<Secret<String>, Arc<TokenError>> {
        *self.asked.lock().unwrap() += 1;
        match self.token {
            Some(token) => Ok(Secret::new(token.into())),
            None => Err(Arc::new(TokenError::new(
                self.fails,
                "no token",
                "this is a test",
                "nothing",
            ))),
        }
    }

    fn another(&self, refused: &Secret<String>) -> Option<Self> {
        assert_eq!(refused.expose(), self.token.unwrap());
        self.other.as_deref().cloned()
    }

    fn secret(token: &Secret<String>) -> &Secret<String> {
        token
    }
}

fn upstream(authority: &Authority) -> Upstream {
    Upstream::new(&Settings {
        extra_roots: vec![authority.root()],
        post_quantum: true,
    })
    .unwrap()
}

async fn open(
    upstream: &Upstream,
    (protocol, host): (Protocol, &MailHost),
    wallet: Wallet,
    ehlo: Option<&str>,
) -> Result<Opened, UpstreamError> {
    let identity = Mailbox::parse("a@x.example").unwrap();
    let tap = Tap::default();
    let way = Way {
        protocol,
        host,
        mechanism: BearerMechanism::XOAuth2,
        identity: &identity,
        ehlo,
        tap: &tap,
    };
    upstream.open_way(&way, wallet).await
}
