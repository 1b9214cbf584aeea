//! No saslgate answers a command: what mail clients meet meanwhile, and how it is started.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{Config, Origin};
use crate::control::TroubleTold;

/// For one address, which is this machine's.
const PATIENCE: Duration = Duration::from_millis(500);

/// There since the machine runs systemd, and nowhere else (`sd_booted`).
const SYSTEMD: &str = "/run/systemd/system";

/// What a configuration says of the saslgate that does not answer.
pub(in crate::cli) struct Absent {
    socket: PathBuf,
    addresses: Vec<SocketAddr>,
    start: String,
}

impl Absent {
    /// `named` is the configuration that the command was given.
    pub(super) fn new(config: &Config, origin: &Origin, named: Option<&Path>, socket: &Path) -> Self {
        let addresses = config.listeners.iter().flat_map(|listener| &listener.bind);
        Self {
            socket: socket.into(),
            // One that is chosen at the start is nobody's yet.
            addresses: addresses.filter(|address| address.port() != 0).copied().collect(),
            start: start(origin, named),
        }
    }

    /// What is to be told, after a look whether somebody listens where mail clients connect.
    pub(in crate::cli) async fn told(&self) -> TroubleTold {
        let mut answering = Vec::new();
        for address in &self.addresses {
            let connected = timeout(PATIENCE, TcpStream::connect(reached_at(*address))).await;
            if matches!(connected, Ok(Ok(_))) {
                answering.push(*address);
            }
        }
        if answering.is_empty() {
            self.nobody()
        } else {
            self.somebody(&answering)
        }
    }

    fn nobody(&self) -> TroubleTold {
        let on = match self.addresses.as_slice() {
            [] => String::new(),
            some => format!(" on {}", joined(some)),
        };
        TroubleTold {
            code: None,
            what: "no saslgate is running with this configuration".into(),
            why: format!("nothing listens{on}: mail clients can't connect"),
            fix: format!("start it: `{}`", self.start),
        }
    }

    fn somebody(&self, answering: &[SocketAddr]) -> TroubleTold {
        TroubleTold {
            code: None,
            what: format!(
                "no saslgate with this configuration answers, and something listens on {}",
                joined(answering)
            ),
            why: format!(
                "nobody is at the control socket {}: another program has that address, or a saslgate that was started with another \
                 configuration, or by another user, who has another directory for its state",
                self.socket.display()
            ),
            fix: "type the command as the user that saslgate runs as (`sudo -u USER`), with the --config that it was started with; `sudo ss -ltnp` \
                  names who listens"
                .into(),
        }
    }
}

/// Where an address is from here: one that stands for all is reached by loopback.
const fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The machine's configuration is that of the unit.
fn start(origin: &Origin, named: Option<&Path>) -> String {
    let is_of_machine = matches!(origin, Origin::File(path) if path.starts_with("/etc/saslgate"));
    match named {
        _ if is_of_machine && Path::new(SYSTEMD).exists() => "sudo systemctl start saslgate".to_owned(),
        Some(path) => format!("saslgate run --config {}", path.display()),
        None => "saslgate run".to_owned(),
    }
}

fn joined(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}
