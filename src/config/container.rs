//! What differs inside a container: nothing outside reaches its loopback addresses, and its state is a volume.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::network;
use super::reader::Reader;

/// The image sets it. Whoever guesses from files and cgroups is wrong on the next platform.
pub(super) const VARIABLE: &str = "SASLGATE_CONTAINER";

/// Whether this is one.
pub(super) fn is_here(reader: &mut Reader<'_>) -> bool {
    reader.variable(VARIABLE).is_ok_and(|value| value == "1")
}

/// Notes a value that is neither of the two.
pub(super) fn note(reader: &mut Reader<'_>) {
    let value = reader.variable(VARIABLE);
    if value.is_ok_and(|value| value != "1" && value != "0") {
        let start = reader.name(VARIABLE).start;
        let why = "it says whether saslgate runs in a container, and so where it listens";
        reader.file_error(
            start,
            "the value is neither 1 nor 0",
            why,
            "set it to 1, or unset it",
        );
    }
}

/// From where the usual listeners take logins without TLS: the container itself, and the private networks (RFC 1918, RFC
/// 4193) of which those between containers are. Not link-local addresses (RFC 3927): no container network has them.
pub(super) fn plaintext_from() -> Vec<IpNet> {
    let v4 = |a, b, bits| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), bits));
    let v6 = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
    let mut networks = network::loopback();
    networks.extend([v4(10, 0, 8), v4(172, 16, 12), v4(192, 168, 16), IpNet::V6(v6)]);
    networks
}
