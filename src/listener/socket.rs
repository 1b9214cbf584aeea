//! Sockets toward mail clients: bound with a backlog that a burst fits in, tuned so that a vanished peer is noticed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that may wait to be accepted. Old software opens many at once; the kernel cuts this to its own limit
/// (net.core.somaxconn, 4096 by default), and a backlog of 5 is what made a predecessor lose 88 of 100.
const BACKLOG: i32 = 4096;

/// Below the four minutes after which home routers and firewalls forget a quiet connection.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(90);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_TRIES: u32 = 4;

/// How long sent data may stay unacknowledged before the connection counts as gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Binds a listening socket.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the old process's connections to fade (TIME_WAIT).
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` means IPv6 alone, whatever the system's default, so that it can stand beside `0.0.0.0`.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Options of an accepted connection. None of them is worth refusing it for.
pub(super) fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}
