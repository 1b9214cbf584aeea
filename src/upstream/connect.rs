//! A TCP connection to a mail host: all its addresses, the quickest wins (RFC 8305).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::addresses::Addresses;
use super::{Cause, Stage};
use crate::provider::MailHost;
use crate::transport::{self, Trouble};

/// How long one address gets before the next is tried beside it (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);

/// How long one address gets in all. A SYN is sent again after one and after three seconds.
const TRY: Duration = Duration::from_secs(5);

/// How many addresses are tried. Exchange Online has up to sixteen, and sixteen sockets for one login are too many.
const MAX_TRIES: usize = 6;

/// None of a host's addresses took a connection.
#[derive(Debug)]
pub struct Unreached(Vec<(SocketAddr, io::Error)>);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the name has no address");
        }
        for (at, (address, error)) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{address}: {error}")?;
        }
        Ok(())
    }
}

impl Unreached {
    /// What each address did.
    pub fn new(tried: Vec<(SocketAddr, io::Error)>) -> Self {
        Self(tried)
    }

    /// What keeps us from there. A machine without IPv6 fails at every IPv6 address in its own way, and that says nothing
    /// where an IPv4 address failed in another.
    pub fn trouble(&self) -> Option<Trouble<'_>> {
        if self.0.is_empty() {
            return Some(Trouble::UnknownName);
        }
        let each = || self.0.iter().filter_map(|(_, error)| Trouble::of(error));
        let telling = each().find(|trouble| !matches!(trouble, Trouble::NoRoute));
        let ipv6_only = self.0.iter().all(|(address, _)| address.is_ipv6());
        telling.or_else(|| match each().next()? {
            Trouble::NoRoute if ipv6_only => Some(Trouble::OnlyIpv6),
            other => Some(other),
        })
    }
}

/// The addresses of that host, in the order in which they are tried.
pub(super) async fn resolve(host: &MailHost, known: &Addresses) -> Result<Vec<SocketAddr>, (Stage, Cause)> {
    let found = known.of(&host.name, host.port).await;
    let mut addresses = found.map_err(|error| (Stage::Resolve, Cause::Resolve(error)))?;
    addresses.truncate(MAX_TRIES);
    Ok(addresses)
}

/// Connects to one of that host's addresses, or says what kept us from it.
pub(super) async fn connect(
    host: &MailHost,
    addresses: Vec<SocketAddr>,
    known: &Addresses,
) -> Result<TcpStream, (Stage, Cause)> {
    match race(addresses).await {
        Ok((stream, address)) => {
            known.reached(&host.name, address);
            transport::tune(&stream);
            Ok(stream)
        }
        Err(unreached) => {
            known.unreached(&host.name).await;
            Err((Stage::Connect, Cause::Connect(unreached)))
        }
    }
}

/// The first connection that stands, and to where; the others are dropped. If none does, what each address did.
async fn race(addresses: Vec<SocketAddr>) -> Result<(TcpStream, SocketAddr), Unreached> {
    let mut waiting = addresses.into_iter().peekable();
    let mut tries = JoinSet::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            tries.spawn(async move { (address, attempt(address).await) });
        }
        tokio::select! {
            ended = tries.join_next() => match ended {
                Some(Ok((address, Ok(stream)))) => return Ok((stream, address)),
                // The next address need not wait for its turn.
                Some(Ok((address, Err(error)))) => failed.push((address, error)),
                // A try that panicked has failed like any other; its address is not known any more.
                Some(Err(_)) => {}
                None => return Err(Unreached::new(failed)),
            },
            () = sleep(STAGGER), if waiting.peek().is_some() => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    let connected = timeout(TRY, socket.connect(address)).await;
    connected.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A port on which nobody listens, kept from others while the socket lives.
    fn dead() -> (Socket, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn a_dead_first_address_falls_through_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();
        let (_kept, dead) = dead();
        let (stream, address) = race(vec![dead, alive]).await.unwrap();
        assert_eq!((stream.peer_addr().unwrap(), address), (alive, alive));
    }

    /// A full backlog swallows SYNs, as a firewall does.
    #[tokio::test]
    async fn a_silent_first_address_is_overtaken() {
        let (silent, swallowing) = dead();
        silent.listen(0).unwrap();
        let filled = std::net::TcpStream::connect(swallowing).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();

        let (_, address) = race(vec![swallowing, alive]).await.unwrap();
        assert_eq!(address, alive);
        drop((filled, silent));
    }

    #[tokio::test]
    async fn when_all_are_dead_each_address_says_what_it_did() {
        let ((_kept, one), (_also_kept, other)) = (dead(), dead());
        let unreached = race(vec![one, other]).await.unwrap_err();
        let said = unreached.to_string();
        for address in [one, other] {
            assert!(said.contains(&format!("{address}: Connection refused")), "{said}");
        }
        assert!(matches!(unreached.trouble(), Some(Trouble::Refused)));
        let nowhere = race(Vec::new()).await.unwrap_err();
        assert_eq!(nowhere.to_string(), "the name has no address");
    }

    /// Both families are mostly tried, and the one that this machine does not have must not hide what ails the other.
    #[test]
    fn the_family_that_is_missing_tells_only_when_there_is_no_other() {
        use io::ErrorKind::{ConnectionRefused, NetworkUnreachable, TimedOut};
        let unreached = |tried: &[(&str, io::ErrorKind)]| {
            let tried = tried.iter();
            let tried = tried.map(|(address, kind)| (address.parse().unwrap(), (*kind).into()));
            Unreached::new(tried.collect())
        };
        let (v4, v6) = ("192.0.2.1:993", "[2001:db8::1]:993");
        let told = |tried: &[(&str, io::ErrorKind)]| format!("{:?}", unreached(tried).trouble().unwrap());
        let cases: [(&[_], &str); 6] = [
            (&[(v6, NetworkUnreachable), (v4, TimedOut)], "Silent"),
            (&[(v4, ConnectionRefused), (v6, NetworkUnreachable)], "Refused"),
            (&[(v6, NetworkUnreachable)], "OnlyIpv6"),
            (&[(v4, NetworkUnreachable)], "NoRoute"),
            (&[(v6, NetworkUnreachable), (v4, NetworkUnreachable)], "NoRoute"),
            (&[], "UnknownName"),
        ];
        for (tried, expected) in cases {
            assert_eq!(told(tried), expected, "{tried:?}");
        }
    }
}
