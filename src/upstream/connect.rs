//! A TCP connection to a mail host: all its addresses, the quickest wins (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::addresses::Addresses;
use super::{Cause, Stage};
use crate::provider::MailHost;
use crate::transport;

/// How long one address gets before the next is tried beside it (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);

/// How long one address gets in all. A SYN is sent again after one and after three seconds.
const TRY: Duration = Duration::from_secs(5);

/// How many addresses are tried. Exchange Online has up to sixteen, and sixteen sockets for one login are too many.
const MAX_TRIES: usize = 6;

/// Connects to that host, or says what kept us from it.
pub(super) async fn connect(host: &MailHost, known: &Addresses) -> Result<TcpStream, (Stage, Cause)> {
    let found = known.of(&host.name, host.port).await;
    let mut addresses = found.map_err(|error| (Stage::Resolve, Cause::Resolve(error)))?;
    addresses.truncate(MAX_TRIES);
    match race(addresses).await {
        Ok((stream, address)) => {
            known.reached(&host.name, address);
            transport::tune(&stream);
            Ok(stream)
        }
        Err(error) => {
            known.unreached(&host.name).await;
            Err((Stage::Connect, Cause::Connect(error)))
        }
    }
}

/// The first connection that stands, and to where; the others are dropped. If none does, the last error.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<(TcpStream, SocketAddr)> {
    let mut waiting = addresses.into_iter().peekable();
    let mut tries = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            tries.spawn(attempt(address));
        }
        tokio::select! {
            ended = tries.join_next() => match ended.map(outcome) {
                Some(Ok(connected)) => return Ok(connected),
                // The next address need not wait for its turn.
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(STAGGER), if waiting.peek().is_some() => {}
        }
    }
}

fn outcome<T>(joined: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    joined.unwrap_or_else(|error| Err(io::Error::other(error)))
}

async fn attempt(address: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    let connected = timeout(TRY, socket.connect(address)).await;
    let error = match connected {
        Ok(Ok(stream)) => return Ok((stream, address)),
        Ok(Err(error)) => error,
        Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer"),
    };
    Err(io::Error::new(error.kind(), format!("{address}: {error}")))
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
    async fn when_all_are_dead_the_last_error_names_its_address() {
        let ((_kept, one), (_also_kept, other)) = (dead(), dead());
        let error = race(vec![one, other]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("{other}: ")), "{error}");
        assert_eq!(
            race(Vec::new()).await.unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
