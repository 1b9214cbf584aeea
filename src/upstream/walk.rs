//! The way upstream, one step at a time, for whoever wants to know how far it leads. Each step is the one that a login takes;
//! there are no second tries, because the first failure is what has to be told.

use std::mem::take;
use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;

use super::attempt::{Fault, Way, connect, fault, local_address, resolve, secure, server_name};
use super::handshake::{Asked, Handshake, begin};
use super::{Cause, Opened, PATIENCE, Stage, Times, Upstream, UpstreamError};
use crate::account::Authorized;
use crate::provider::{MailHost, UpstreamTls};
use crate::token::AccessToken;
use crate::transport::{Leg, Link, Patience, Tap, Upgrade, drive};
use crate::wire::{Closing, Dialogue, Said, Step, Turn};

/// Before the first step.
pub struct Walk<'a> {
    upstream: &'a Upstream,
    way: Way<'a>,
    upgrade: Upgrade,
    patience: Patience,
}

/// The host's name has addresses.
pub struct Resolved<'a> {
    walk: Walk<'a>,
    addresses: Vec<SocketAddr>,
}

/// A connection stands.
pub struct Connected<'a> {
    talk: Talk<'a>,
    to: SocketAddr,
}

/// TLS is up.
pub struct Secured<'a>(Talk<'a>);

/// The upstream offers what we need, and waits for the token.
pub struct Offered<'a> {
    talk: Talk<'a>,
    turn: Turn,
}

/// The talk on a connection.
struct Talk<'a> {
    walk: Walk<'a>,
    link: Link,
    handshake: Telling,
}

impl Upstream {
    /// The way that a checked login leads to, to be walked step by step.
    pub fn walk<'a>(&'a self, login: &'a Authorized, tap: &'a Tap) -> Result<Walk<'a>, UpstreamError> {
        let host = &login.route().host;
        let name = server_name(host).map_err(|fault| at(host, fault))?;
        Ok(Walk {
            upstream: self,
            way: Way::of(login, None, tap),
            upgrade: Upgrade::Connect(self.connector(), name),
            patience: Patience::new(PATIENCE),
        })
    }
}

impl<'a> Walk<'a> {
    /// Looks the host's name up.
    pub async fn resolve(mut self) -> Result<Resolved<'a>, UpstreamError> {
        let found = resolve(self.way.host, &self.upstream.addresses, &mut self.patience).await;
        let addresses = found.map_err(|fault| at(self.way.host, fault))?;
        Ok(Resolved {
            walk: self,
            addresses,
        })
    }
}

impl<'a> Resolved<'a> {
    /// The addresses, in the order in which they are tried.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Connects to one of them.
    pub async fn connect(self) -> Result<Connected<'a>, UpstreamError> {
        let Self {
            mut walk, addresses, ..
        } = self;
        let host = walk.way.host;
        let connected = connect(host, addresses, &walk.upstream.addresses, &mut walk.patience).await;
        let stream = connected.map_err(|fault| at(host, fault))?;
        let local = local_address(&stream).map_err(|fault| at(host, fault))?;
        let to = stream.peer_addr();
        let to = to.map_err(|error| at(host, (Stage::Connect, Cause::Broken(error))))?;
        let handshake = begin(walk.way.protocol, walk.way.settings(local));
        let talk = Talk {
            walk,
            link: Link::plain(stream),
            handshake: Telling {
                handshake,
                secured: false,
            },
        };
        Ok(Connected { talk, to })
    }
}

impl<'a> Connected<'a> {
    /// To where.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Establishes TLS; where that begins with STARTTLS, the upstream's greeting and first offer come before it.
    pub async fn secure(self) -> Result<Secured<'a>, UpstreamError> {
        let mut talk = self.talk;
        let host = talk.walk.way.host;
        let secured = if host.tls == UpstreamTls::Implicit {
            secure(&mut talk.link, &talk.walk.upgrade, &mut talk.walk.patience).await
        } else {
            talk.until_secured().await
        };
        secured.map_err(|fault| at(host, fault))?;
        Ok(Secured(talk))
    }
}

impl<'a> Secured<'a> {
    /// The version of TLS, and the certificate that the upstream has shown.
    pub fn security(&self) -> Option<(&'static str, &CertificateDer<'static>)> {
        self.0.link.security()
    }

    /// Hears what the upstream offers, up to where it waits for the token.
    pub async fn offer(self) -> Result<Offered<'a>, UpstreamError> {
        let mut talk = self.0;
        let host = talk.walk.way.host;
        let turn = talk.until_token().await.map_err(|fault| at(host, fault))?;
        Ok(Offered { talk, turn })
    }
}

impl Offered<'_> {
    /// Says the token, and hears the verdict.
    pub async fn log_in(self, token: &AccessToken) -> Result<Opened, UpstreamError> {
        let Self { mut talk, turn } = self;
        let host = talk.walk.way.host;
        let presented = talk.handshake.handshake.present(turn, token.secret());
        presented.map_err(|error| at(host, (Stage::Token, Cause::UnusableToken(error))))?;
        let verdict = talk.hear().await.map_err(|fault| at(host, fault))?;
        match verdict {
            Point::Asked(Asked::Done(Ok(welcome))) => Ok(Opened {
                link: talk.link,
                unread: talk.handshake.handshake.into_unread(),
                welcome,
                times: Times::default(),
            }),
            other => Err(at(host, unexpected(other))),
        }
    }
}

impl Talk<'_> {
    async fn hear(&mut self) -> Result<Point, Fault> {
        let walk = &mut self.walk;
        let legs = (walk.way.tap, Leg::Upstream);
        let heard = drive(
            &mut self.link,
            &mut self.handshake,
            Some(&walk.upgrade),
            &mut walk.patience,
            legs,
        );
        heard.await.map_err(fault)
    }

    async fn until_secured(&mut self) -> Result<(), Fault> {
        match self.hear().await? {
            Point::Secured => Ok(()),
            other @ Point::Asked(_) => Err(unexpected(other)),
        }
    }

    async fn until_token(&mut self) -> Result<Turn, Fault> {
        match self.hear().await? {
            Point::Asked(Asked::WantsToken(turn)) => Ok(turn),
            other => Err(unexpected(other)),
        }
    }
}

/// What a handshake has come to.
enum Point {
    /// TLS is up, by STARTTLS.
    Secured,
    /// What the handshake asks.
    Asked(Asked),
}

/// Anything but what a step waits for: a no, or what the protocol does not allow.
fn unexpected(point: Point) -> Fault {
    let cause = match point {
        Point::Asked(Asked::Done(Err(rejection))) => Cause::Rejected(rejection),
        _ => Cause::Protocol(Closing::Protocol(
            "upstream did not keep to the order of its protocol",
        )),
    };
    (Stage::Login, cause)
}

fn at(host: &MailHost, (stage, cause): Fault) -> UpstreamError {
    UpstreamError {
        host: host.clone(),
        stage,
        cause,
    }
}

/// A handshake that also tells when TLS is up: with STARTTLS that is a moment in the middle of it.
struct Telling {
    handshake: Box<dyn Handshake>,
    secured: bool,
}

impl Dialogue for Telling {
    type Event = Point;

    fn receive(&mut self, bytes: &[u8]) {
        self.handshake.receive(bytes);
    }

    fn peer_closed(&mut self) {
        self.handshake.peer_closed();
    }

    fn step(&mut self) -> Step<Point> {
        if take(&mut self.secured) {
            return Step::Event(Point::Secured);
        }
        match self.handshake.step() {
            Step::Write(bytes) => Step::Write(bytes),
            Step::Read => Step::Read,
            Step::StartTls => Step::StartTls,
            Step::Event(asked) => Step::Event(Point::Asked(asked)),
            Step::Close(why) => Step::Close(why),
        }
    }

    fn tls_established(&mut self) {
        self.handshake.tls_established();
        self.secured = true;
    }

    fn overheard(&mut self) -> Vec<Said> {
        self.handshake.overheard()
    }

    fn into_unread(self: Box<Self>) -> Vec<u8> {
        self.handshake.into_unread()
    }
}
