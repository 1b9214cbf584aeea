//! What an error of the network means for whoever runs this machine: why it happens, and what to do.

use std::error::Error;
use std::io;
use std::iter;

use rustls::{AlertDescription, CertificateError, OtherError};

use super::distrust::Distrust;

/// Why, and what to do.
pub type WhyAndFix = (String, String);

/// What keeps us from a host.
#[derive(Debug)]
pub enum Trouble<'e> {
    /// Name servers answer, and know no address for the name.
    UnknownName,
    /// No name server answers.
    NoNameServer,
    /// There is no way to the address.
    NoRoute,
    /// The name has IPv6 addresses only, and there is no way to them.
    OnlyIpv6,
    /// The connection was refused.
    Refused,
    /// Nothing answers.
    Silent,
    /// This machine itself does not let us.
    Forbidden,
    /// This machine has no descriptor or port left.
    Exhausted,
    /// The other side, or something between, hung up.
    HungUp,
    /// The certificate was not believed.
    Distrust(&'e Distrust),
    /// The other side could not prove that the certificate is its own.
    NoProof,
    /// What came back is no TLS.
    NotTls,
    /// The other side has no TLS that is safe.
    OldTls,
    /// The other side ended the handshake and said why.
    Alert(AlertDescription),
}

impl<'e> Trouble<'e> {
    /// What an error means, if it or one that caused it is of the network.
    pub fn of(error: &'e (dyn Error + 'static)) -> Option<Self> {
        let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return Self::of_tls(tls);
        }
        causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .find_map(Self::of_io)
    }

    fn of_tls(error: &'e rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner
                .downcast_ref()
                .map_or(Some(Self::NoProof), |distrust| Some(Self::Distrust(distrust))),
            // Whatever webpki says carries the issuer, so this is about the signature of the handshake.
            rustls::Error::InvalidCertificate(_) => Some(Self::NoProof),
            rustls::Error::InvalidMessage(_) => Some(Self::NotTls),
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
            | rustls::Error::PeerIncompatible(_) => Some(Self::OldTls),
            rustls::Error::AlertReceived(alert) => Some(Self::Alert(*alert)),
            _ => None,
        }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Some(Self::Refused),
            Kind::TimedOut => Some(Self::Silent),
            Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
                Some(Self::NoRoute)
            }
            Kind::PermissionDenied => Some(Self::Forbidden),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                Some(Self::HungUp)
            }
            _ if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => Some(Self::Exhausted),
            _ => Self::of_lookup(&error.to_string()),
        }
    }

    /// getaddrinfo's errors have no number when they come from the standard library, so its words have to do: those of glibc,
    /// of musl and of macOS.
    fn of_lookup(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if !text.contains("lookup address") {
            return None;
        }
        let unknown = ["not known", "not resolve", "no address", "no usable address"];
        if unknown.iter().any(|words| text.contains(words)) {
            Some(Self::UnknownName)
        } else {
            Some(Self::NoNameServer)
        }
    }

    /// Why it happens, and what to do about it, on the way to that host and port.
    pub fn explain(&self, host: &str, port: u16) -> WhyAndFix {
        let (why, fix) = self.texts();
        let filled = |text: &str| {
            let text = text.replace("HOST", host).replace("PORT", &port.to_string());
            match self {
                Self::Distrust(distrust) => text.replace("ISSUER", &distrust.issuer),
                Self::Alert(alert) => text.replace("ALERT", &format!("{alert:?}")),
                _ => text,
            }
        };
        (filled(why), filled(fix))
    }

    /// Why it happens, and what to do about it. Words in capitals stand for what is known only then.
    fn texts(&self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownName => (
                "no name server knows an address for it: the name is misspelled, or this network's name servers keep it back",
                "check the spelling of HOST in the configuration; if it is right and `getent hosts HOST` on this machine prints nothing, ask the network \
                 administrator to let the name servers answer for it",
            ),
            Self::NoNameServer => (
                "no name server answered: this machine is not online, or its name servers are down or blocked",
                "run `getent hosts HOST` on this machine until it prints an address: saslgate tries again by itself; if it goes on printing nothing, ask the \
                 network administrator why the name servers in /etc/resolv.conf do not answer",
            ),
            Self::NoRoute => (
                "this machine has no way to that address: it is not online, or its network has no way out",
                "bring this machine's network up; if `ip route` then shows no line that begins with default (inside the container, if there is one), ask the \
                 network administrator for a default route",
            ),
            Self::OnlyIpv6 => (
                "its name has IPv6 addresses only, and this machine has no way out by IPv6",
                "ask the network administrator why the name servers give no IPv4 address for HOST, or to give this machine IPv6",
            ),
            Self::Refused => (
                "something there says no at once: a firewall that rejects, a wrong port, or a service that is down",
                "ask the network administrator to let this machine out to HOST, TCP port PORT; if you have a [provider.NAME], check the host and port in it first",
            ),
            Self::Silent => (
                "nothing answers: a firewall on the way swallows the packets, or the address is not in use",
                "ask the network administrator to open the firewall for HOST, TCP port PORT; `nc -vz HOST PORT` on this machine shows whether the way is free",
            ),
            Self::Forbidden => (
                "this machine itself forbids it: a local firewall, SELinux, AppArmor, or systemd's IPAddressDeny",
                "ask whoever looks after this machine to allow saslgate to connect to HOST, TCP port PORT, in whichever of these forbids it",
            ),
            Self::Exhausted => (
                "this machine has no room left for another connection (file descriptors)",
                "raise the limit of open files for saslgate (LimitNOFILE=65536 in its systemd unit, or `ulimit -n 65536` before it starts), and restart it",
            ),
            Self::HungUp => (
                "the other side, or a firewall on the way, ended the connection without a word",
                "ask the network administrator to let HOST pass the firewall without inspection; until then try `post_quantum = false` in [upstream] and reload \
                 saslgate (`saslgate reload`), because some firewalls choke on the large first packet of TLS",
            ),
            Self::Distrust(distrust) => of_distrust(&distrust.reason),
            Self::NotTls | Self::OldTls | Self::NoProof | Self::Alert(_) => self.of_handshake(),
        }
    }

    fn of_handshake(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotTls => (
                "what came back is no TLS: the port begins without encryption, or a proxy or the sign-in page of a network answered in the host's place",
                "sign in to this network in a browser, if it wants that; if HOST is in a [provider.NAME] of yours and its port PORT begins without encryption, set `tls` to \"starttls\" there, and reload \
                 saslgate (`saslgate reload`)",
            ),
            Self::NoProof => (
                "the other side shows a certificate and can't prove that it holds the key: something on the way has meddled",
                "ask the network administrator what lies between this machine and HOST, and have it removed from the way; no password and no token was sent, and \
                 waiting does not help",
            ),
            Self::Alert(_) => (
                "the other side ended the TLS handshake and said ALERT",
                "ask the network administrator to let HOST pass without TLS inspection; for a server of your own, look at its log for the reason",
            ),
            _ => (
                "it has no TLS 1.2 and no TLS 1.3, as no mail provider does today: an old appliance stands in its place",
                "ask the network administrator to let HOST pass the appliance that inspects TLS, or to update it; for a server of your own, enable TLS 1.2 there",
            ),
        }
    }
}

fn of_distrust(reason: &CertificateError) -> (&'static str, &'static str) {
    match reason {
        CertificateError::UnknownIssuer => (
            "\"ISSUER\" issued the certificate, and this machine does not know that authority: mostly it is a firewall, proxy or virus \
             scanner that inspects TLS, and puts its own certificate in the place of the real one",
            "ask the network administrator for the certificate of \"ISSUER\" as a PEM file, name it as `ca_file` in [upstream], and reload saslgate (`saslgate reload`); or have HOST \
             exempted from inspection; if that is a public authority, update this machine's ca-certificates",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "this machine's clock is behind, as after a dead battery or before the first synchronisation",
            "set the clock of this machine: `sudo timedatectl set-ntp true`, then `timedatectl` shows whether it is synchronised",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "this machine's clock is ahead, or the certificate was not renewed, which happens to appliances that inspect TLS and hardly \
             ever to mail providers",
            "compare the dates above with a watch: set the clock if it is wrong (`sudo timedatectl set-ntp true`); if it is right, ask the network administrator \
             to renew the certificate of \"ISSUER\", or to exempt HOST from TLS inspection",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "another machine answers than the one that was meant: the sign-in page of a network, a wrong name in the configuration, or wrong name servers",
            "sign in to this network in a browser, if it wants that; else check the name HOST in the configuration, and ask the network administrator whether \
             what `getent hosts HOST` prints is right",
        ),
        CertificateError::BadSignature => (
            "an authority with the name \"ISSUER\" is known here, but with another key: an appliance that inspects TLS was set up anew, or \
             somebody poses as it",
            "ask the network administrator whether \"ISSUER\" is an appliance of yours: if so, name its present certificate as `ca_file` in [upstream], and reload \
             saslgate (`saslgate reload`); if not, somebody else answers as HOST, and waiting does not help",
        ),
        _ => (
            "the certificate is damaged, revoked, or not made for a server",
            "ask the network administrator who answers as HOST, by the issuer that is named above, and to exempt HOST from TLS inspection or to have the \
             certificate made anew",
        ),
    }
}

/// Too many open files, of the process and of the system.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// An error and what caused it, outermost first.
pub fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // It hides the error that it carries from `source`.
        Some(carrier) => carrier.get_ref().map(|carried| carried as &(dyn Error + 'static)),
        None => error.source(),
    })
}
