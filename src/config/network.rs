//! Networks and the addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::reader::{Reader, Text};
use super::table::Table;

/// A list of addresses and networks such as `10.0.0.0/8`.
pub(super) fn list(key: &str, table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Vec<IpNet>> {
    let texts = table.texts(key, reader)?;
    Some(
        texts
            .value
            .iter()
            .filter_map(|text| network(key, text, reader))
            .collect(),
    )
}

/// One address or network.
pub(super) fn network(key: &str, text: &Text, reader: &mut Reader<'_>) -> Option<IpNet> {
    let parsed = text.value.parse::<IpNet>().ok();
    let network = parsed.or_else(|| text.value.parse::<IpAddr>().ok().map(IpNet::from));
    let why = match network {
        // A mail client that a dual-stack socket shows that way is known by its IPv4 address.
        Some(IpNet::V6(network)) if network.addr().to_ipv4_mapped().is_some() => {
            "IPv4 addresses are never seen in that form"
        }
        Some(network) => return Some(network.trunc()),
        None => "it is neither an address nor a network",
    };
    let fix =
        "write an address such as \"192.0.2.7\" or a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
    reader.error(
        &text.span,
        format!("{} in `{key}` cannot be used", text.shown()),
        why,
        fix,
    );
    None
}

/// The loopback networks.
pub(super) fn loopback() -> Vec<IpNet> {
    let v4 = IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8);
    vec![v4, IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST))]
}

/// Whether a network holds addresses of this machine only.
pub(super) fn is_loopback(network: &IpNet) -> bool {
    loopback().iter().any(|loopback| loopback.contains(network))
}

/// Networks that are not reached from the internet: RFC 1918, RFC 6598, RFC 4193, link-local and loopback ones.
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/// Whether all of a network is private.
pub fn is_private(network: &IpNet) -> bool {
    let mut private = PRIVATE.iter().filter_map(|text| text.parse::<IpNet>().ok());
    private.any(|known| known.contains(network))
}

/// The networks of RFC 5737, which documents and `saslgate setup` write where an address is not known.
const NOBODY: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];

/// Whether a network is one that is written where the address is not known yet.
pub(super) fn is_nobody(network: &IpNet) -> bool {
    let mut nobody = NOBODY.iter().filter_map(|text| text.parse::<IpNet>().ok());
    nobody.any(|known| known == *network)
}

/// Whether a network belongs to one host: an IPv4 address, or an IPv6 /64, all of which one host may use.
pub(super) fn is_one_host(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() == 32,
        IpNet::V6(network) => network.prefix_len() >= 64,
    }
}

/// Whether a network has addresses in common with a list of those that may come, which is empty where all may.
pub(super) fn overlaps(list: &[IpNet], network: &IpNet) -> bool {
    list.is_empty()
        || list
            .iter()
            .any(|allowed| allowed.contains(network) || network.contains(allowed))
}

/// `localhost` and a port: both addresses, because mail clients try either first.
pub(super) fn localhost(port: u16) -> Vec<SocketAddr> {
    vec![
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ]
}

/// Where to listen: `127.0.0.1:1143`, `[::1]:1143` or `localhost:1143`. No other name: what it means can change
/// between a check and a start.
pub(super) fn bind(text: &Text, reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    if let Ok(address) = text.value.parse() {
        return vec![address];
    }
    let (host, port) = text.value.rsplit_once(':').unwrap_or((&text.value, ""));
    if host == "localhost"
        && let Ok(port) = port.parse()
    {
        return localhost(port);
    }
    let (why, fix) = if matches!(host, "" | "*") {
        (
            "it does not say on which addresses",
            "write \"localhost:PORT\", or \"0.0.0.0:PORT\" for every IPv4 address",
        )
    } else if text.value.parse::<IpAddr>().is_ok() || port.is_empty() {
        (
            "it has no port",
            "write \"127.0.0.1:PORT\", or \"[::1]:PORT\" for IPv6",
        )
    } else if port.parse::<u16>().is_err() {
        (
            "its port is not a number from 0 to 65535",
            "write \"127.0.0.1:1143\"",
        )
    } else {
        (
            "names other than localhost are not looked up",
            "write an address such as \"192.0.2.7:1143\"",
        )
    };
    reader.error(
        &text.span,
        format!("`bind` = {} cannot be used", text.shown()),
        why,
        fix,
    );
    Vec::new()
}

/// Every address of `bind`, none of which may be taken already.
pub(super) fn unshared(table: &Table<'_>, taken: &[SocketAddr], reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    let texts = table
        .one_or_more("bind", reader)
        .map_or(Vec::new(), |at| at.value);
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for text in texts {
        for address in bind(&text, reader) {
            if let Some(other) = taken
                .iter()
                .chain(&addresses)
                .find(|other| collide(address, **other))
            {
                let why = format!("something else of this configuration listens on {other} already");
                reader.error(
                    &text.span,
                    format!("{address} is taken"),
                    why,
                    "choose another port",
                );
            }
            addresses.push(address);
        }
    }
    addresses
}

/// Whether the system would refuse to bind both: the same port on the same address, or on all addresses of its family.
pub fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let (one_ip, other_ip) = (one.ip(), other.ip());
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (one_ip == other_ip || one_ip.is_unspecified() || other_ip.is_unspecified())
}
