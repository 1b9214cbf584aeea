//! One try: connect, establish TLS, log in.

use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::handshake::{Asked, Handshake, Rejection, Settings, begin};
use super::{Cause, Claim, Opened, Stage, Times, connect};
use crate::account::Authorized;
use crate::name::Mailbox;
use crate::provider::{BearerMechanism, MailHost, Protocol, UpstreamTls};
use crate::transport::{Ended, Leg, Link, Patience, Tap, Upgrade, drive};
use crate::wire::{Turn, Welcome};

/// The longest EHLO argument that is passed on, in bytes: RFC 5321 4.5.3.1.2.
const MAX_EHLO: usize = 255;

/// Where one login leads, and under which names.
pub(super) struct Way<'a> {
    pub(super) protocol: Protocol,
    pub(super) host: &'a MailHost,
    pub(super) mechanism: BearerMechanism,
    pub(super) identity: &'a Mailbox,
    /// The mail client's own EHLO argument.
    pub(super) ehlo: Option<&'a str>,
    pub(super) tap: &'a Tap,
}

impl<'a> Way<'a> {
    pub(super) fn of(login: &'a Authorized, ehlo: Option<&'a str>, tap: &'a Tap) -> Self {
        let route = login.route();
        Self {
            protocol: login.protocol(),
            host: &route.host,
            mechanism: route.mechanism,
            identity: login.identity(),
            ehlo,
            tap,
        }
    }
}

/// What went wrong, and where.
pub(super) type Fault = (Stage, Cause);

/// One try.
pub(super) struct Attempt<'a, C: Claim> {
    pub(super) way: &'a Way<'a>,
    pub(super) upgrade: Upgrade,
    pub(super) addresses: &'a Addresses,
    pub(super) claim: &'a C,
    pub(super) patience: &'a mut Patience,
    pub(super) times: &'a mut Times,
    /// The token, once the upstream has seen it.
    pub(super) shown: Option<C::Token>,
}

impl<C: Claim> Attempt<'_, C> {
    pub(super) async fn run(&mut self) -> Result<Opened, Fault> {
        if !self.claim.is_near() {
            // Exchange hangs up on who does not log in within a minute, and a token may take longer.
            self.token().await?;
        }
        let begun = Instant::now();
        let dialled = self.dial().await;
        self.times.dial += begun.elapsed();
        let (mut link, local) = dialled?;
        let mut handshake = begin(self.way.protocol, self.way.settings(local));
        let welcome = self.log_in(&mut link, &mut *handshake).await?;
        Ok(Opened {
            link,
            unread: handshake.into_unread(),
            welcome,
            times: *self.times,
        })
    }

    async fn dial(&mut self) -> Result<(Link, SocketAddr), Fault> {
        let addresses = resolve(self.way.host, self.addresses, self.patience).await?;
        let stream = connect(self.way.host, addresses, self.addresses, self.patience).await?;
        let local = local_address(&stream)?;
        let mut link = Link::plain(stream);
        if self.way.host.tls == UpstreamTls::Implicit {
            secure(&mut link, &self.upgrade, self.patience).await?;
        }
        Ok((link, local))
    }

    async fn log_in(&mut self, link: &mut Link, handshake: &mut dyn Handshake) -> Result<Welcome, Fault> {
        let waited = self.times.token;
        let begun = Instant::now();
        let verdict = self.converse(link, handshake).await;
        let waited = self.times.token.saturating_sub(waited);
        self.times.handshake += begun.elapsed().saturating_sub(waited);
        verdict?.map_err(|rejection| (Stage::Login, Cause::Rejected(rejection)))
    }

    async fn converse(
        &mut self,
        link: &mut Link,
        handshake: &mut dyn Handshake,
    ) -> Result<Result<Welcome, Rejection>, Fault> {
        loop {
            let legs = (self.way.tap, Leg::Upstream);
            match drive(link, handshake, Some(&self.upgrade), self.patience, legs)
                .await
                .map_err(fault)?
            {
                Asked::WantsToken(turn) => self.present(handshake, turn).await?,
                Asked::Done(verdict) => return Ok(verdict),
            }
        }
    }

    async fn present(&mut self, handshake: &mut dyn Handshake, turn: Turn) -> Result<(), Fault> {
        let token = self.token().await?;
        handshake
            .present(turn, C::secret(&token))
            .map_err(|error| (Stage::Token, Cause::UnusableToken(error)))?;
        self.shown = Some(token);
        Ok(())
    }

    async fn token(&mut self) -> Result<C::Token, Fault> {
        let begun = Instant::now();
        let token = self.claim.token().await;
        self.times.token += begun.elapsed();
        token.map_err(|error| (Stage::Token, Cause::Token(error)))
    }
}

impl Way<'_> {
    /// What a handshake starts with. `local` is our own address on the connection.
    pub(super) fn settings(&self, local: SocketAddr) -> Settings {
        let fits = |text: &&str| text.len() <= MAX_EHLO && text.bytes().all(|byte| byte.is_ascii_graphic());
        let ehlo = self.ehlo.filter(|text| !text.is_empty()).filter(fits);
        Settings {
            host: self.host.clone(),
            mechanism: self.mechanism,
            identity: self.identity.clone(),
            ehlo: ehlo.map_or_else(|| address_literal(local.ip()), Into::into),
            recording: self.tap.is_listening(),
        }
    }
}

/// The addresses of a host, in the order in which they are tried.
pub(super) async fn resolve(
    host: &MailHost,
    known: &Addresses,
    patience: &mut Patience,
) -> Result<Vec<SocketAddr>, Fault> {
    let resolved = patience.wait(connect::resolve(host, known)).await;
    resolved.map_err(|_| (Stage::Resolve, Cause::Timeout))?
}

/// A connection to one of those addresses.
pub(super) async fn connect(
    host: &MailHost,
    addresses: Vec<SocketAddr>,
    known: &Addresses,
    patience: &mut Patience,
) -> Result<TcpStream, Fault> {
    let connected = patience.wait(connect::connect(host, addresses, known)).await;
    connected.map_err(|_| (Stage::Connect, Cause::Timeout))?
}

/// Our own address on a connection.
pub(super) fn local_address(stream: &TcpStream) -> Result<SocketAddr, Fault> {
    stream
        .local_addr()
        .map_err(|error| (Stage::Connect, Cause::Broken(error)))
}

/// TLS from the first byte.
pub(super) async fn secure(link: &mut Link, upgrade: &Upgrade, patience: &mut Patience) -> Result<(), Fault> {
    let established = patience.wait(link.start_tls(upgrade)).await;
    established
        .map_err(|_| (Stage::Tls, Cause::Timeout))?
        .map_err(|error| (Stage::Tls, Cause::Tls(error)))
}

/// What ended a dialogue, and where.
pub(super) fn fault(ended: Ended) -> Fault {
    match ended {
        Ended::Closed(why) => (Stage::Login, Cause::Protocol(why)),
        Ended::Impatient => (Stage::Login, Cause::Timeout),
        Ended::Broken(error) => (Stage::Login, Cause::Broken(error)),
        Ended::Tls(error) => (Stage::Tls, Cause::Tls(error)),
    }
}

/// The name that the certificate must carry: the one that was configured, whatever it resolves to.
pub(super) fn server_name(host: &MailHost) -> Result<ServerName<'static>, Fault> {
    let name = ServerName::try_from(host.name.to_string());
    name.map_err(|error| (Stage::Tls, Cause::Tls(std::io::Error::other(error))))
}

/// RFC 5321 4.1.3, for who has no name of its own to say.
fn address_literal(address: IpAddr) -> Box<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]").into(),
        IpAddr::V6(address) => format!("[IPv6:{address}]").into(),
    }
}
