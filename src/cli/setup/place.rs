//! Where mail clients connect from, and so where saslgate listens, and how TLS begins there.

use crate::certificates::Name;
use crate::provider::Protocol;

/// Where mail clients are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    ThisMachine,
    NetworkTls,
    NetworkPlain,
    Containers,
    Internet,
}

/// What a mail client is told about a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Door {
    pub(super) port: u16,
    /// As `[[listener]]` says it.
    pub(super) tls: &'static str,
    /// As mail programs say it.
    pub(super) security: &'static str,
}

const fn door(port: u16, tls: &'static str) -> Door {
    let security = match tls.as_bytes() {
        b"implicit" => "SSL/TLS",
        b"starttls" => "STARTTLS",
        _ => "none",
    };
    Door { port, tls, security }
}

impl Place {
    /// In the order of the list.
    pub(super) const ALL: [Self; 5] = [
        Self::ThisMachine,
        Self::NetworkTls,
        Self::NetworkPlain,
        Self::Containers,
        Self::Internet,
    ];

    /// How an answers file calls it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::ThisMachine => "this-machine",
            Self::NetworkTls => "network",
            Self::NetworkPlain => "network-without-tls",
            Self::Containers => "containers",
            Self::Internet => "internet",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ThisMachine => "This machine",
            Self::NetworkTls => "Other machines of this network, with TLS",
            Self::NetworkPlain => "Other machines of this network, without TLS",
            Self::Containers => "Containers beside saslgate's",
            Self::Internet => "The internet",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::ThisMachine => "nothing crosses a network, so no TLS is needed",
            Self::NetworkTls => "setup makes a certificate, which each mail client has to trust once",
            Self::NetworkPlain => {
                "for devices that are too old for TLS: passwords cross that network in clear"
            }
            Self::Containers => "saslgate runs in its image, and so does what logs in to it, on one network",
            Self::Internet => {
                "for products in somebody's cloud: a public name, a certificate that they trust, their addresses alone"
            }
        }
    }

    /// Whether setup puts a certificate beside the configuration.
    pub(super) const fn has_certificate(self) -> bool {
        matches!(self, Self::NetworkTls | Self::Internet)
    }

    /// Whether it is known from which addresses.
    pub(super) const fn has_networks(self) -> bool {
        matches!(self, Self::NetworkTls | Self::NetworkPlain | Self::Internet)
    }

    /// The port for a protocol. Those of the usual listeners where there is no `[[listener]]`; SMTP has STARTTLS on a network, which
    /// more devices know than TLS from the first byte; from the internet nothing is said before TLS.
    pub(super) const fn door(self, protocol: Protocol) -> Door {
        match (self, protocol) {
            (Self::NetworkTls, Protocol::Imap) => door(1993, "implicit"),
            (Self::NetworkTls, Protocol::Pop3) => door(1995, "implicit"),
            (Self::NetworkTls, Protocol::Smtp) => door(1587, "starttls"),
            (Self::Internet, Protocol::Imap) => door(993, "implicit"),
            (Self::Internet, Protocol::Pop3) => door(995, "implicit"),
            (Self::Internet, Protocol::Smtp) => door(465, "implicit"),
            (_, Protocol::Imap) => door(1143, "off"),
            (_, Protocol::Pop3) => door(1110, "off"),
            (_, Protocol::Smtp) => door(1587, "off"),
        }
    }

    /// What a mail client has as the server's name. A place without a name of its own is one where everybody knows it.
    pub(super) fn server(self, host: Option<&Name>) -> String {
        match (self, host) {
            (Self::ThisMachine, _) => "localhost".to_owned(),
            (Self::Containers, _) => "saslgate".to_owned(),
            (_, Some(name)) => name.to_string(),
            (_, None) => "the address of this machine".to_owned(),
        }
    }
}
