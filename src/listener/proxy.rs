//! The PROXY protocol (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>): before the first byte of a mail
//! client, a balancer says where that comes from. Both versions are read to their last byte and not beyond it, because the
//! next one belongs to TLS or to the mail client.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::peer::Peer;

/// How version 1 begins, a line of text.
const V1: &[u8] = b"PROXY ";

/// How version 2 begins, in no other protocol.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of the shortest header there is, `PROXY UNKNOWN` and its CRLF: so many can be read before the version is known.
const SHORTEST: usize = 15;

/// Bytes of version 2 up to the length of what follows.
const V2_FIXED: usize = 16;

/// Version and command LOCAL of version 2: the balancer itself connects, and what follows is to be ignored.
const V2_LOCAL: u8 = 0x20;

/// The longest header of version 1, in bytes: what its section 2.1 works out.
const MAX_V1: usize = 107;

/// The longest header of version 2 that is taken, in bytes: what fits into the smallest segment that TCP over IPv4 knows, where
/// section 2 promises that a header comes in one. It leaves 484 bytes for what balancers add about an IPv6 connection.
pub const MAX_HEADER: usize = 536;

/// What a balancer says of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Announced {
    /// It is its own, to see whether somebody is there.
    Own,
    /// It comes from there.
    From(SocketAddr),
}

/// What is known of a header so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scan {
    /// So many bytes more belong to it at least.
    Needs(usize),
    /// It is whole.
    Whole(Announced),
}

/// Why a connection has no header that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Closed without a byte, as the plain checks of balancers do.
    #[error("the connection was closed before a PROXY protocol header")]
    Nothing,
    /// Something else came first.
    #[error("a connection began without a PROXY protocol header")]
    Missing,
    /// It took too long.
    #[error("no PROXY protocol header came within five seconds")]
    Late,
    /// It ended within the header.
    #[error("the connection was closed within its PROXY protocol header")]
    Cut,
    /// Against the rules, or about something that is no TCP connection from an address of its own.
    #[error("a PROXY protocol header is malformed")]
    Malformed,
    /// Longer than is taken.
    #[error("a PROXY protocol header is longer than 536 bytes (version 1: 107)")]
    TooLong,
    /// The connection broke.
    #[error("the connection broke before its PROXY protocol header was whole: {0}")]
    Gone(io::Error),
}

impl Broken {
    /// What mends it.
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::TooLong => "have the balancer send fewer details (TLVs) in its PROXY protocol header",
            _ => {
                "have the balancer send the PROXY protocol, version 1 or 2, to this port (HAProxy: send-proxy-v2; nginx: proxy_protocol on); \
                 or, if it does not, remove `proxy_protocol` and `proxy_from` from this listener"
            }
        }
    }
}

impl Announced {
    /// The mail client's address. A balancer elsewhere that names a loopback address means itself, and what is granted to this
    /// machine's own software is not granted to that.
    pub fn peer(self, balancer: &Peer) -> Peer {
        match self {
            Self::Own => *balancer,
            Self::From(address) => Some(Peer::new(address))
                .filter(|peer| !peer.is_loopback() || balancer.is_loopback())
                .unwrap_or(*balancer),
        }
    }
}

/// Reads a header from a fresh connection, and nothing behind it.
pub(super) async fn read(stream: &mut TcpStream) -> Result<Announced, Broken> {
    let mut header = [0; MAX_HEADER];
    let mut have = 0;
    loop {
        let more = match scan(&header[..have])? {
            Scan::Whole(announced) => return Ok(announced),
            Scan::Needs(more) => more,
        };
        match stream.read(&mut header[have..have + more]).await {
            Ok(0) if have == 0 => return Err(Broken::Nothing),
            Ok(0) => return Err(Broken::Cut),
            Ok(count) => have += count,
            Err(error) => return Err(Broken::Gone(error)),
        }
    }
}

/// Looks at the bytes that have come, none of which may lie behind the header. What it needs more never exceeds
/// [`MAX_HEADER`] in all.
pub fn scan(bytes: &[u8]) -> Result<Scan, Broken> {
    let begins_like = |start: &[u8]| bytes.iter().zip(start).all(|(byte, expected)| byte == expected);
    match (begins_like(V1), begins_like(V2)) {
        (false, false) => Err(Broken::Missing),
        _ if bytes.len() < SHORTEST => Ok(Scan::Needs(SHORTEST - bytes.len())),
        (true, _) => scan_v1(bytes),
        (_, true) => scan_v2(bytes),
    }
}

fn scan_v1(bytes: &[u8]) -> Result<Scan, Broken> {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end + 1 == bytes.len() => parse(bytes),
        Some(_) => Err(Broken::Malformed),
        None if bytes.len() >= MAX_V1 => Err(Broken::TooLong),
        None if bytes.ends_with(b"\r") || bytes.len() + 1 == MAX_V1 => Ok(Scan::Needs(1)),
        None => Ok(Scan::Needs(2)),
    }
}

fn scan_v2(bytes: &[u8]) -> Result<Scan, Broken> {
    let Some([.., command, _, high, low]) = bytes.first_chunk::<V2_FIXED>() else {
        return Ok(Scan::Needs(V2_FIXED - bytes.len()));
    };
    let whole = V2_FIXED + usize::from(u16::from_be_bytes([*high, *low]));
    if whole > MAX_HEADER {
        return Err(Broken::TooLong);
    }
    match whole.checked_sub(bytes.len()) {
        None => Err(Broken::Malformed),
        Some(0) if *command == V2_LOCAL => Ok(Scan::Whole(Announced::Own)),
        Some(0) => parse(bytes),
        Some(more) => Ok(Scan::Needs(more)),
    }
}

/// Understands a whole header. What it says beside the address is nothing that decides anything here.
fn parse(bytes: &[u8]) -> Result<Scan, Broken> {
    let config = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    let (header, length) = ProxyHeader::parse(bytes, config).map_err(|_| Broken::Malformed)?;
    if length != bytes.len() {
        return Err(Broken::Malformed);
    }
    let Some(proxied) = header.proxied_address() else {
        return Ok(Scan::Whole(Announced::Own));
    };
    let address = proxied.source.ip().to_canonical();
    if proxied.protocol != Protocol::Stream || address.is_unspecified() || address.is_multicast() {
        return Err(Broken::Malformed);
    }
    Ok(Scan::Whole(Announced::From(proxied.source)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A header of version 2.
    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [V2, &[command, family], &length, body].concat()
    }

    /// Addresses and ports of version 2, over IPv4.
    fn v4(source: [u8; 4]) -> Vec<u8> {
        [&source[..], &[10, 0, 0, 1], &[0x9c, 0x40], &[0, 25]].concat()
    }

    /// Feeds bytes that come in pieces; what came out, and how many were taken.
    fn fed(bytes: &[u8], piece: usize) -> (String, usize) {
        let mut have = 0;
        loop {
            match scan(&bytes[..have]) {
                Ok(Scan::Needs(more)) => {
                    assert!(more > 0 && have + more <= MAX_HEADER);
                    let coming = more.min(piece).min(bytes.len() - have);
                    if coming == 0 {
                        return ("waits".into(), have);
                    }
                    have += coming;
                }
                Ok(Scan::Whole(Announced::Own)) => return ("own".into(), have),
                Ok(Scan::Whole(Announced::From(address))) => return (address.to_string(), have),
                // How soon that is known depends on the pieces; that it is so does not.
                Err(broken) => return (format!("{broken:?}"), 0),
            }
        }
    }

    #[test]
    fn headers_of_both_versions_are_read_to_their_last_byte() {
        let behind = b"EHLO scanner\r\n\x16\x03\x01";
        let tlvs = [&v4([192, 0, 2, 7])[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        let longest = [&v4([192, 0, 2, 7])[..], &[4; MAX_HEADER - V2_FIXED - 12]].concat();
        let mapped = [
            &[0; 10][..],
            &[0xff, 0xff, 192, 0, 2, 7],
            &[0; 16],
            &[0x9c, 0x40, 0, 25],
        ]
        .concat();
        let table: [(Vec<u8>, &str); 13] = [
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 25\r\n".into(),
                "192.0.2.7:40000",
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n".into(),
                "[2001:db8::7]:40000",
            ),
            (
                b"PROXY TCP6 ::ffff:192.0.2.7 ::1 40000 25\r\n".into(),
                "[::ffff:192.0.2.7]:40000",
            ),
            (b"PROXY UNKNOWN\r\n".into(), "own"),
            (b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 40000 25\r\n".into(), "own"),
            (v2(0x21, 0x11, &v4([192, 0, 2, 7])), "192.0.2.7:40000"),
            (v2(0x21, 0x11, &tlvs), "192.0.2.7:40000"),
            (v2(0x21, 0x11, &longest), "192.0.2.7:40000"),
            (v2(0x21, 0x21, &mapped), "[::ffff:192.0.2.7]:40000"),
            (v2(0x21, 0x00, b""), "own"),
            (v2(0x20, 0x00, b""), "own"),
            // LOCAL: the family and all behind it are ignored, also where they make no sense.
            (v2(0x20, 0x11, b"xyz"), "own"),
            (v2(0x20, 0xff, &v4([192, 0, 2, 7])), "own"),
        ];
        for (header, expected) in &table {
            let with_more = [&header[..], behind].concat();
            for piece in 1..=with_more.len() {
                let (said, taken) = fed(&with_more, piece);
                assert_eq!(said, *expected, "{}", header.escape_ascii());
                assert_eq!(taken, header.len(), "{}", header.escape_ascii());
            }
        }
        assert_eq!(table.len(), 13);
    }

    #[test]
    fn what_is_no_header_is_refused_as_soon_as_that_is_known() {
        let unix = v2(0x21, 0x31, &[0; 20]);
        let table: [(Vec<u8>, &str); 21] = [
            (b"EHLO scanner\r\n".into(), "Missing"),
            (b"\x16\x03\x01\x02\x00".into(), "Missing"),
            (b"PROXZ".into(), "Missing"),
            (b"PROXY\tTCP4 192.0.2.7".into(), "Missing"),
            (b"\r\n\r\n\0\r\nQUIT\r".into(), "Missing"),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 25\n".into(), "Malformed"),
            (b"PROXY TCP4\r\nEHLO scanner\r\n".into(), "Malformed"),
            (b"PROXY TCP5 192.0.2.7 10.0.0.1 40000 25\r\n".into(), "Malformed"),
            (
                b"PROXY TCP4 192.0.2.777 10.0.0.1 40000 25\r\n".into(),
                "Malformed",
            ),
            (b"PROXY TCP4 2001:db8::7 ::1 40000 25\r\n".into(), "Malformed"),
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 99999\r\n".into(),
                "Malformed",
            ),
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 25 x\r\n".into(),
                "Malformed",
            ),
            (b"PROXY TCP4 0.0.0.0 10.0.0.1 40000 25\r\n".into(), "Malformed"),
            (b"PROXY TCP4 224.0.0.1 10.0.0.1 40000 25\r\n".into(), "Malformed"),
            ([b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat(), "TooLong"),
            (v2(0x22, 0x11, &v4([192, 0, 2, 7])), "Malformed"),
            (v2(0x11, 0x11, &v4([192, 0, 2, 7])), "Malformed"),
            // UDP.
            (v2(0x21, 0x12, &v4([192, 0, 2, 7])), "Malformed"),
            (v2(0x21, 0x11, b"short"), "Malformed"),
            (unix, "Malformed"),
            (v2(0x21, 0x11, &[0; MAX_HEADER - V2_FIXED + 1]), "TooLong"),
        ];
        for (bytes, expected) in &table {
            for piece in [1, 7, bytes.len()] {
                assert_eq!(fed(bytes, piece).0, *expected, "{}", bytes.escape_ascii());
            }
        }
        assert_eq!(table.len(), 21);
    }

    #[test]
    fn an_address_counts_as_the_one_it_is() {
        let peer = |text: &str| Peer::new(text.parse().unwrap());
        let balancer = peer("10.0.0.5:7000");
        let from = |text: &str| Announced::From(text.parse().unwrap());
        let table = [
            (from("192.0.2.7:1"), balancer, "192.0.2.7:1"),
            (from("[::ffff:192.0.2.7]:1"), balancer, "192.0.2.7:1"),
            (Announced::Own, balancer, "10.0.0.5:7000"),
            (from("127.0.0.1:1"), balancer, "10.0.0.5:7000"),
            (from("[::ffff:127.0.0.1]:1"), balancer, "10.0.0.5:7000"),
            (from("[::1]:1"), balancer, "10.0.0.5:7000"),
            (from("127.0.0.1:1"), peer("127.0.0.1:7000"), "127.0.0.1:1"),
        ];
        for (announced, balancer, expected) in table {
            assert_eq!(announced.peer(&balancer).to_string(), expected);
        }
        assert_eq!(table.len(), 7);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_pieces_make_no_difference(
            start in prop::sample::select(vec![&b""[..], V1, V2, b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"]),
            rest in prop::collection::vec(any::<u8>(), 0..600),
            piece in 1_usize..100,
        ) {
            let bytes = [start, &rest].concat();
            prop_assert_eq!(fed(&bytes, piece), fed(&bytes, bytes.len().max(1)));
        }
    }
}
