//! Our own listeners, as a mail client on this machine meets them: nobody logs in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificate::{Shown, failed};
use super::conversation::Conversation;
use super::{Begun, Outcome, Step, Witness, pin};
use crate::failure::Diagnosis;
use crate::provider::Protocol;
use crate::transport::{Link, Patience, Trouble, Upgrade};
use crate::upstream::Cause;

/// For one listener in all: it is this machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// One of our own listening sockets.
#[derive(Clone, Debug)]
pub struct Door {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it listens.
    pub address: SocketAddr,
    /// When TLS starts.
    pub tls: DoorTls,
    /// The certificate that it shows; none without TLS.
    pub own: Option<CertificateDer<'static>>,
    /// The file that it was read from.
    pub certificate: Option<PathBuf>,
    /// Whether the listener takes connections from this machine at all.
    pub lets_us_in: bool,
}

/// When TLS starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DoorTls {
    /// Never.
    Never,
    /// After STARTTLS or STLS.
    StartTls,
    /// At the first byte.
    Implicit,
}

/// Tries the listeners of one protocol. The worst of them is what is told of all.
pub async fn doors<W: Witness>(doors: &[Door], witness: &W) {
    let begun = Begun::at(Step::Listener, witness).await;
    let mut found = Vec::new();
    let mut worst = None;
    for door in doors {
        match door.tried().await {
            Outcome::Passed(what) | Outcome::Skipped(what) => found.push(what),
            failed @ Outcome::Failed { .. } => worst = Some(failed),
            remarked @ Outcome::Remarked(_) => worst = worst.or(Some(remarked)),
        }
    }
    begun
        .ended(worst.unwrap_or_else(|| Outcome::Passed(found.join("; "))))
        .await;
}

impl Door {
    /// Where it is from here: an address that stands for all is reached by loopback.
    pub fn reached_at(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    async fn tried(&self) -> Outcome {
        let to = self.reached_at();
        if !self.lets_us_in {
            return Outcome::Skipped(format!(
                "{} at {to}: `allow_from` leaves this machine out, or only balancers may connect",
                self.protocol
            ));
        }
        if let Err(cause) = self.entered(to).await {
            return self.closed(to, &cause);
        }
        match self.own.as_ref().and_then(|own| Shown::of(own)) {
            Some(shown) => shown.judge(
                (self.protocol, to),
                self.certificate.as_deref(),
                SystemTime::now(),
            ),
            None if self.tls == DoorTls::Never => {
                Outcome::Passed(format!("{} at {to} answers, without TLS", self.protocol))
            }
            None => Outcome::Passed(format!("{} at {to} answers, with TLS", self.protocol)),
        }
    }

    /// As far as a mail client gets before its login.
    async fn entered(&self, to: SocketAddr) -> Result<(), Cause> {
        let mut patience = Patience::new(PATIENCE);
        let connected = patience.wait(TcpStream::connect(to)).await;
        let stream = connected.map_err(|_| Cause::Timeout)?.map_err(Cause::Broken)?;
        let mut link = Link::plain(stream);
        if self.tls == DoorTls::Implicit {
            self.secured(&mut link).await?;
        }
        let mut conversation = Conversation::new(link, &[], patience);
        self.greeted(&mut conversation).await?;
        if self.tls == DoorTls::StartTls {
            self.asked_for_tls(&mut conversation).await?;
            let mut link = conversation.into_link();
            self.secured(&mut link).await?;
            conversation = Conversation::new(link, &[], Patience::new(PATIENCE));
        }
        let goodbye = match self.protocol {
            Protocol::Imap => "P2 LOGOUT",
            Protocol::Pop3 | Protocol::Smtp => "QUIT",
        };
        conversation.leave(goodbye).await;
        Ok(())
    }

    async fn greeted(&self, conversation: &mut Conversation) -> Result<(), Cause> {
        let (greeting, yes) = match self.protocol {
            Protocol::Imap => (conversation.line().await?, "* OK"),
            Protocol::Pop3 => (conversation.line().await?, "+OK"),
            Protocol::Smtp => (conversation.smtp(None).await?.verdict, "220"),
        };
        expected(&greeting, yes)
    }

    async fn asked_for_tls(&self, conversation: &mut Conversation) -> Result<(), Cause> {
        let (reply, yes) = match self.protocol {
            Protocol::Imap => (conversation.imap("P1", "STARTTLS").await?.verdict, "OK"),
            Protocol::Pop3 => (conversation.pop3("STLS").await?.verdict, "+OK"),
            Protocol::Smtp => {
                conversation.smtp(Some("EHLO localhost")).await?;
                (conversation.smtp(Some("STARTTLS")).await?.verdict, "220")
            }
        };
        expected(&reply, yes)
    }

    /// A handshake to its end, in which the listener's own certificate is believed. That nobody else believes it (an authority of
    /// one's own) is for whoever sets a mail client up.
    async fn secured(&self, link: &mut Link) -> Result<(), Cause> {
        let own = self
            .own
            .clone()
            .ok_or_else(|| Cause::Tls(io::Error::other("it has no certificate")))?;
        let tls = pin::client_config(own).map_err(Cause::Tls)?;
        // Our own listeners have one certificate, whatever name is asked for.
        let name = ServerName::from(self.address.ip());
        let upgrade = Upgrade::Connect(TlsConnector::from(Arc::new(tls)), name);
        let established = Patience::new(PATIENCE).wait(link.start_tls(&upgrade)).await;
        established.map_err(|_| Cause::Timeout)?.map_err(Cause::Tls)
    }

    fn closed(&self, to: SocketAddr, cause: &Cause) -> Outcome {
        let (why, fix) = match cause {
            Cause::Broken(error) if matches!(Trouble::of(error), Some(Trouble::Refused)) => (
                "nothing listens there any more, or a firewall of this machine refuses",
                "look in saslgate's log for why the listener ended, and restart it",
            ),
            Cause::Timeout => (
                "a firewall of this machine swallows packets, or saslgate has no processor to run on",
                "check the firewall for this address and port, and the load of this machine",
            ),
            Cause::Rejected(_) | Cause::Protocol(_) => (
                "saslgate has no room for another connection, is stopping, or another program answers there",
                "read what it says; raise `connections` or `connections_per_source` in [limits] if there is no room, and reload saslgate (`saslgate reload`)",
            ),
            Cause::Tls(error) if pin::is_another(error) => (
                "what answers there shows another certificate than this saslgate has read: another program has the port",
                "end the other program (`ss -ltnp` names it), or choose another port in `bind`",
            ),
            _ => (
                "the TLS of this listener does not work, or the connection broke",
                "check `certificate` and `key` of the listener (`saslgate check`), and reload saslgate (`saslgate reload`)",
            ),
        };
        failed(Diagnosis {
            code: None,
            what: format!("the {} listener at {to} does not serve: {cause}", self.protocol),
            why: why.into(),
            fix: fix.into(),
        })
    }
}

fn expected(reply: &str, yes: &str) -> Result<(), Cause> {
    if reply.starts_with(yes) {
        return Ok(());
    }
    Err(Cause::Rejected(crate::upstream::handshake::Rejection {
        reply: reply.to_owned(),
        kind: crate::upstream::handshake::Kind::Temporary,
        challenge: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_reached_by_loopback() {
        let at = |address: &str| {
            let door = Door {
                protocol: Protocol::Imap,
                address: address.parse().unwrap(),
                tls: DoorTls::Never,
                own: None,
                certificate: None,
                lets_us_in: true,
            };
            door.reached_at().to_string()
        };
        assert_eq!(at("0.0.0.0:1143"), "127.0.0.1:1143");
        assert_eq!(at("[::]:1143"), "[::1]:1143");
        assert_eq!(at("192.0.2.7:143"), "192.0.2.7:143");
    }
}
