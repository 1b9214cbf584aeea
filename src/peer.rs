//! Who is connected, as limits, maps and logs see it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The address of a mail client, settled before the greeting: the socket's own, or the one a trusted balancer names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Peer {
    address: IpAddr,
    port: u16,
}

impl Peer {
    /// A peer seen through a socket. An IPv4 address that a dual-stack socket shows as `::ffff:a.b.c.d` is IPv4.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address: address.ip().to_canonical(),
            port: address.port(),
        }
    }

    /// Its address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether it is on this machine.
    pub const fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// The network that counts as one source: the address for IPv4, the /64 for IPv6, because one host owns all of that.
    pub fn source(&self) -> IpNet {
        match self.address {
            IpAddr::V4(address) => IpNet::V4(host(address)),
            IpAddr::V6(address) => IpNet::V6(subnet(address)),
        }
    }

    /// Whether one of the networks contains it.
    pub fn is_in(&self, networks: &[IpNet]) -> bool {
        networks.iter().any(|network| network.contains(&self.address))
    }
}

fn host(address: Ipv4Addr) -> Ipv4Net {
    Ipv4Net::from(address)
}

fn subnet(address: Ipv6Addr) -> Ipv6Net {
    Ipv6Net::new_assert(address, 64).trunc()
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_one_source() {
        let source = |text: &str| Peer::new(text.parse().unwrap()).source().to_string();
        assert_eq!(source("192.0.2.7:1"), "192.0.2.7/32");
        assert_eq!(source("[::ffff:192.0.2.7]:1"), "192.0.2.7/32");
        assert_eq!(source("[2001:db8::1:2:3:4]:1"), "2001:db8::/64");
    }
}
