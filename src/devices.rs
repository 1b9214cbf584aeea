//! Devices that cannot authenticate: which source address may send as which account, on one listener.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::name::LoginName;
use crate::peer::Peer;

/// One listener's map.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Devices {
    /// The most specific networks first.
    entries: Vec<(IpNet, LoginName)>,
    tls_first: bool,
}

/// A device that a listener's map names. Only [`Devices::at`] makes one, so that no other part of saslgate can let
/// somebody in by an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    address: IpAddr,
    login: LoginName,
    tls_first: bool,
}

impl Devices {
    /// A map from networks to logins. `tls_first`: whether mail is taken under TLS alone.
    pub fn new(mut entries: Vec<(IpNet, LoginName)>, tls_first: bool) -> Self {
        entries.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Self { entries, tls_first }
    }

    /// The device at that address, if the map names it: the most specific entry counts.
    pub fn at(&self, peer: &Peer) -> Option<Device> {
        let address = peer.address();
        self.login_of(address).map(|login| Device {
            address,
            login: login.clone(),
            tls_first: self.tls_first,
        })
    }

    /// Whether this map still says of a device what another one said.
    pub fn names(&self, device: &Device) -> bool {
        self.login_of(device.address) == Some(&device.login)
    }

    /// Who may send, and as which login.
    pub fn entries(&self) -> &[(IpNet, LoginName)] {
        &self.entries
    }

    fn login_of(&self, address: IpAddr) -> Option<&LoginName> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(network, _)| network.contains(&address));
        found.map(|(_, login)| login)
    }
}

impl Device {
    /// The login that it has without saying so.
    pub fn login(&self) -> &LoginName {
        &self.login
    }

    /// Where it is.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether it has to start TLS before its first mail.
    pub const fn tls_first(&self) -> bool {
        self.tls_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> Devices {
        let read = |(network, login): &(&str, &str)| {
            let login = LoginName::parse(login.as_bytes()).unwrap();
            (network.parse().unwrap(), login)
        };
        Devices::new(entries.iter().map(read).collect(), false)
    }

    fn peer(address: &str) -> Peer {
        Peer::new(address.parse().unwrap())
    }

    #[test]
    fn the_most_specific_network_counts_whatever_the_order() {
        let one = map(&[
            ("10.1.0.0/16", "floor"),
            ("10.1.2.0/24", "room"),
            ("10.1.2.3/32", "scanner"),
            ("2001:db8::/64", "six"),
        ]);
        let other = map(&[
            ("2001:db8::/64", "six"),
            ("10.1.2.3/32", "scanner"),
            ("10.1.2.0/24", "room"),
            ("10.1.0.0/16", "floor"),
        ]);
        let cases = [
            ("10.1.2.3:1", Some("scanner")),
            ("[::ffff:10.1.2.3]:1", Some("scanner")),
            ("10.1.2.4:1", Some("room")),
            ("10.1.3.3:1", Some("floor")),
            ("10.2.2.3:1", None),
            ("[2001:db8::9]:1", Some("six")),
            ("[2001:db8:0:1::9]:1", None),
        ];
        for (address, login) in cases {
            for map in [&one, &other] {
                let device = map.at(&peer(address));
                assert_eq!(
                    device.as_ref().map(|device| device.login().as_str()),
                    login,
                    "{address}"
                );
            }
        }
        assert_eq!(cases.len(), 7);
    }

    #[test]
    fn a_device_stays_named_only_while_its_address_means_the_same_login() {
        let device = map(&[("10.1.2.0/24", "room")]).at(&peer("10.1.2.3:1")).unwrap();
        assert!(
            map(&[("10.0.0.0/8", "room")]).names(&device),
            "by another network"
        );
        assert!(!map(&[("10.1.2.0/24", "room"), ("10.1.2.3/32", "scanner")]).names(&device));
        assert!(!map(&[("10.1.2.4/32", "room")]).names(&device));
        assert!(!Devices::default().names(&device));
    }
}
