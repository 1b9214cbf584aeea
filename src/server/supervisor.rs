//! The supervisor that started us: the sockets that it kept over a restart, and what it wants to hear.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use socket2::SockRef;

use crate::config::collide;

/// Listening sockets that a supervisor holds (`LISTEN_FDS`, `sd_listen_fds(3)`). Connections wait in them while one saslgate
/// ends and the next one starts, and their ports may be below 1024.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<Socket>,
    /// What was handed over and can't be used.
    strange: Vec<io::Error>,
}

#[derive(Debug)]
struct Socket {
    address: SocketAddr,
    listening: TcpListener,
    wanted: AtomicBool,
}

impl Inherited {
    /// Takes what was handed over. It ends the variables that say so, because commands that saslgate runs have no part in it:
    /// before there are threads.
    pub fn take() -> Self {
        let mut handed = ListenFd::from_env();
        let mut inherited = Self::default();
        for at in 0..handed.len() {
            let taken = handed.take_tcp_listener(at).and_then(|socket| {
                let socket = socket.ok_or(io::ErrorKind::NotFound)?;
                Ok((socket.local_addr()?, socket))
            });
            match taken {
                Ok((address, socket)) => inherited.sockets.push(Socket {
                    address,
                    listening: socket,
                    wanted: AtomicBool::new(false),
                }),
                Err(error) => inherited.strange.push(error),
            }
        }
        inherited
    }

    /// The socket for an address, if there is one. The one kept here stays open, so that a listener that a reload removes can
    /// come back.
    pub(super) fn socket(&self, address: SocketAddr) -> Option<io::Result<TcpListener>> {
        let found = self.sockets.iter().find(|socket| socket.serves(address))?;
        found.wanted.store(true, Ordering::Relaxed);
        Some(found.listening.try_clone())
    }

    /// The socket that keeps anybody else from that address: it stays open as long as we run.
    pub(super) fn in_the_way_of(&self, address: SocketAddr) -> Option<SocketAddr> {
        let mut held = self.sockets.iter().map(|socket| socket.address);
        held.find(|held| collide(*held, address))
    }

    /// Says which sockets no listener has asked for.
    pub(super) fn tell_unwanted(&self) {
        for error in &self.strange {
            tracing::warn!(
                %error,
                fix = "let the socket unit have ListenStream= with a TCP port only",
                "a socket that the supervisor handed over can't be used"
            );
        }
        let wanted = |socket: &&Socket| socket.wanted.load(Ordering::Relaxed);
        for socket in self.sockets.iter().filter(|socket| !wanted(socket)) {
            tracing::warn!(
                address = %socket.address,
                fix = "write a [[listener]] with this address in `bind`, or take the address out of the socket unit",
                "the supervisor holds a socket that no listener of the configuration names: whoever connects there waits in vain"
            );
        }
    }
}

impl Socket {
    /// systemd binds a port alone to `[::]` for both families, unless `BindIPv6Only=` says otherwise.
    fn serves(&self, address: SocketAddr) -> bool {
        let both_families = || {
            self.address.ip() == Ipv6Addr::UNSPECIFIED
                && SockRef::from(&self.listening)
                    .only_v6()
                    .is_ok_and(|only_v6| !only_v6)
        };
        let any_ipv4 = address.is_ipv4() && address.ip().is_unspecified();
        self.address == address || (any_ipv4 && self.address.port() == address.port() && both_families())
    }
}

/// Mail clients are served (`sd_notify(3)`). Where no supervisor listens, nobody is told.
pub(super) fn tell_ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`tell_ready`] ends it.
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The end has begun.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the supervisor could not be told how far saslgate is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherited(address: &str) -> (Inherited, SocketAddr) {
        let socket = TcpListener::bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        let socket = Socket {
            address,
            listening: socket,
            wanted: AtomicBool::new(false),
        };
        let inherited = Inherited {
            sockets: vec![socket],
            strange: Vec::new(),
        };
        (inherited, address)
    }

    #[test]
    fn a_socket_is_found_by_its_address_again_and_again() {
        let (inherited, address) = inherited("127.0.0.1:0");
        for _ in 0..2 {
            let socket = inherited.socket(address).unwrap().unwrap();
            assert_eq!(socket.local_addr().unwrap(), address);
        }
        let other = SocketAddr::new(address.ip(), 1);
        assert!(inherited.socket(other).is_none());
        assert_eq!(inherited.in_the_way_of(other), None);
        let any = SocketAddr::from(([0, 0, 0, 0], address.port()));
        assert!(inherited.socket(any).is_none());
        assert_eq!(inherited.in_the_way_of(any), Some(address));
    }

    #[test]
    fn one_socket_of_both_families_serves_ipv4_too() {
        // std leaves the system's default, which is both families on Linux.
        let (inherited, address) = inherited("[::]:0");
        let both = SockRef::from(&inherited.sockets[0].listening).only_v6().unwrap();
        let any = SocketAddr::from(([0, 0, 0, 0], address.port()));
        assert_eq!(inherited.socket(any).is_some(), !both);
    }
}
