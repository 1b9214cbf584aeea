//! A TCP connection to a mail host: all its addresses, the quickest wins (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Cause, Stage};
use crate::provider::MailHost;

/// How long one address gets before the next is tried beside it (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);

/// How long one address gets in all. A SYN is sent again after one and after three seconds.
const TRY: Duration = Duration::from_secs(5);

/// How many addresses are tried. Exchange Online has up to sixteen, and sixteen sockets for one login are too many.
const MAX_TRIES: usize = 6;

/// Cloud load balancers drop a quiet connection after four minutes, without a word.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(90);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);

/// How long sent data may stay unacknowledged: the kernel's own limit is a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Connects to that host, or says what kept us from it.
pub(super) async fn connect(host: &MailHost) -> Result<TcpStream, (Stage, Cause)> {
    let resolved = lookup_host((&*host.name, host.port)).await;
    let addresses = resolved.map_err(|error| (Stage::Resolve, Cause::Resolve(error)))?;
    let addresses = interleaved(addresses.collect());
    let stream = race(addresses)
        .await
        .map_err(|error| (Stage::Connect, Cause::Connect(error)))?;
    tune(&stream);
    Ok(stream)
}

/// RFC 8305 4: families take turns, the resolver's order stays within each, so that a family that leads nowhere
/// costs one stagger and not one per address.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else {
        return addresses;
    };
    let (same, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let longest = same.len().max(other.len());
    let turns = (0..longest).flat_map(|turn| [same.get(turn), other.get(turn)]);
    turns.flatten().copied().take(MAX_TRIES).collect()
}

/// The first connection that stands; the others are dropped. If none does, the last error.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter().peekable();
    let mut tries = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            tries.spawn(attempt(address));
        }
        tokio::select! {
            ended = tries.join_next() => match ended.map(outcome) {
                Some(Ok(stream)) => return Ok(stream),
                // The next address need not wait for its turn.
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(STAGGER), if waiting.peek().is_some() => {}
        }
    }
}

fn outcome(joined: Result<io::Result<TcpStream>, JoinError>) -> io::Result<TcpStream> {
    joined.unwrap_or_else(|error| Err(io::Error::other(error)))
}

async fn attempt(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    let connected = timeout(TRY, socket.connect(address)).await;
    let error = match connected {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(error)) => error,
        Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer"),
    };
    Err(io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// None of the options is worth a refusal.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::{Domain, Socket, Type};

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_tries_are_counted() {
        let cases: &[(&[&str], &[&str])] = &[
            (&[], &[]),
            (&["1.1.1.1:1"], &["1.1.1.1:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"],
            ),
            (
                &["1.1.1.1:1", "[::1]:1", "[::2]:1"],
                &["1.1.1.1:1", "[::1]:1", "[::2]:1"],
            ),
        ];
        for (resolved, tried) in cases {
            assert_eq!(interleaved(addresses(resolved)), addresses(tried));
        }
        assert_eq!(cases.len(), 4);
        assert_eq!(
            interleaved(vec![SocketAddr::from(([1, 1, 1, 1], 1)); 16]).len(),
            MAX_TRIES
        );
    }

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
        let stream = race(vec![dead, alive]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
    }

    /// A full backlog swallows SYNs, as a firewall does.
    #[tokio::test]
    async fn a_silent_first_address_is_overtaken() {
        let (silent, swallowing) = dead();
        silent.listen(0).unwrap();
        let filled = std::net::TcpStream::connect(swallowing).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();

        let stream = race(vec![swallowing, alive]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
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
