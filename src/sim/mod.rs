//! Microsoft 365 in a box: an identity provider and a mail server that are as strict as the real ones, and that fail on
//! request in all the ways the real ones fail.
//!
//! It plays the other side in `saslgate demo`, in tests and in measurements. It uses nothing of the rest of this crate:
//! what it decodes, it decodes with its own code, so that one misunderstanding can't hide in both.

pub mod certificates;
pub mod directory;
pub mod entra;
pub mod exchange;
pub mod faults;
pub mod knob;
pub mod mailbox;
pub mod message;
pub mod record;
pub mod tls;

mod clock;
mod demo;
mod folder;
mod listeners;
mod mime;
mod random;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::demo::Demo;

use self::certificates::Authority;
use self::directory::Directory;
use self::entra::{Entra, ManagedIdentity};
use self::exchange::Exchange;
use self::random::Random;
use self::tls::TlsSettings;

/// Where the simulator listens. Port 0 lets the system choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ports {
    /// Entra's endpoints, HTTPS.
    pub entra: u16,
    /// A virtual machine's metadata service and an App Service's endpoint, HTTP (169.254.169.254 port 80).
    pub machine: u16,
    /// IMAP with implicit TLS (993 at Exchange).
    pub imap: u16,
    /// IMAP with STARTTLS (143), which Exchange Online does not have.
    pub imap_starttls: u16,
    /// POP3 with implicit TLS (995).
    pub pop3: u16,
    /// POP3 with STLS (110), which Exchange Online does not have.
    pub pop3_starttls: u16,
    /// Submission with STARTTLS (587).
    pub smtp: u16,
    /// Submission with implicit TLS (465), which Exchange Online does not have.
    pub smtps: u16,
}

/// How a simulator begins.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Its ports on 127.0.0.1.
    pub ports: Ports,
    /// Identifiers, secrets and the token key come from it; two simulators with one seed take each other's tokens.
    pub seed: u64,
    /// TLS of all ports.
    pub tls: TlsSettings,
    /// Whether the tenant, app and mailboxes of [`Demo`] are there from the start.
    pub demo: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            seed: 1,
            tls: TlsSettings::default(),
            demo: true,
        }
    }
}

/// Where the simulator can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Entra's endpoints.
    pub entra: SocketAddr,
    /// A virtual machine's metadata service and an App Service's endpoint.
    pub machine: SocketAddr,
    /// IMAP, implicit TLS.
    pub imap: SocketAddr,
    /// IMAP, STARTTLS.
    pub imap_starttls: SocketAddr,
    /// POP3, implicit TLS.
    pub pop3: SocketAddr,
    /// POP3, STLS.
    pub pop3_starttls: SocketAddr,
    /// Submission, STARTTLS.
    pub smtp: SocketAddr,
    /// Submission, implicit TLS.
    pub smtps: SocketAddr,
}

impl Addresses {
    /// The authority of Entra's endpoints, such as `https://localhost:40123`.
    pub fn authority(&self) -> String {
        format!("https://localhost:{}", self.entra.port())
    }

    /// The token endpoint of a tenant (GUID or domain).
    pub fn token_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.authority())
    }

    /// The authorize endpoint of a tenant (GUID or domain).
    pub fn authorize_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/authorize", self.authority())
    }

    /// The device authorization endpoint of a tenant (GUID or domain).
    pub fn device_code_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/devicecode", self.authority())
    }
}

/// What all connections share.
pub(crate) struct World {
    pub(crate) directory: Directory,
    pub(crate) entra: Entra,
    pub(crate) machine: ManagedIdentity,
    pub(crate) exchange: Exchange,
    pub(crate) random: Arc<Random>,
    authority: Arc<Authority>,
}

/// A running simulator. Dropping it closes its ports and ends its connections.
pub struct Sim {
    world: Arc<World>,
    addresses: Addresses,
    _stop: DropGuard,
}

impl Sim {
    /// Binds all ports and serves them on the tokio runtime in which this is called.
    ///
    /// # Errors
    ///
    /// A port is taken, or a key or certificate could not be made.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let Settings {
            ports,
            seed,
            tls,
            demo,
        } = settings;
        let authority = Arc::new(Authority::new()?);
        let random = Arc::new(Random::seeded(seed));
        let world = Arc::new(World {
            directory: Directory::default(),
            entra: Entra::new(Arc::clone(&authority), Arc::clone(&random), tls)?,
            machine: ManagedIdentity::default(),
            exchange: Exchange::new(Arc::clone(&authority), tls)?,
            random,
            authority,
        });
        if demo {
            demo::populate(&world.directory);
            world.machine.identities.set(demo::identities());
        }
        let stop = CancellationToken::new();
        let addresses = listeners::open(&world, ports, &stop)?;
        Ok(Self {
            world,
            addresses,
            _stop: stop.drop_guard(),
        })
    }

    /// The roots that sign the good certificates, PEM.
    pub fn ca_pem(&self) -> String {
        self.world.authority.pem()
    }

    /// Where it can be reached.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Tenants, apps, people, mailboxes.
    pub fn directory(&self) -> &Directory {
        &self.world.directory
    }

    /// The identity provider's knobs and records.
    pub fn entra(&self) -> &Entra {
        &self.world.entra
    }

    /// The knobs and records of the machine on which a managed identity lives.
    pub fn machine(&self) -> &ManagedIdentity {
        &self.world.machine
    }

    /// The mail server's knobs and records.
    pub fn exchange(&self) -> &Exchange {
        &self.world.exchange
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
