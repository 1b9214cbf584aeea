//! Everything that can keep us from upstream.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{DnsName, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError};
use saslgate::sasl::bearer::UnusableToken;
use saslgate::transport::Distrust;
use saslgate::upstream::{Cause, Stage, Unreached};
use saslgate::wire::{Closing, Foreign};

/// Lookups fail in the words of the C library, which are all that there is.
const LOOKUPS: [&str; 5] = [
    "failed to lookup address information: Name or service not known",
    "failed to lookup address information: Name does not resolve",
    "failed to lookup address information: No address associated with hostname",
    "failed to lookup address information: Temporary failure in name resolution",
    "failed to lookup address information: Try again",
];

fn certificate(reason: CertificateError) -> Distrust {
    Distrust {
        reason,
        issuer: "Contoso TLS Inspection (Fortinet)".into(),
    }
}

fn certificates() -> Vec<Distrust> {
    let at = |day: u64| UnixTime::since_unix_epoch(Duration::from_secs(day * 86_400));
    let expected = ServerName::DnsName(DnsName::try_from("outlook.office365.com").unwrap()).to_owned();
    [
        CertificateError::UnknownIssuer,
        CertificateError::NotValidYetContext {
            time: at(0),
            not_before: at(20_500),
        },
        CertificateError::ExpiredContext {
            time: at(20_778),
            not_after: at(20_700),
        },
        CertificateError::NotValidForNameContext {
            expected,
            presented: vec!["DnsName(\"portal.hotel.example\")".into()],
        },
        CertificateError::BadSignature,
        CertificateError::Revoked,
    ]
    .map(certificate)
    .into()
}

fn tls(error: rustls::Error) -> Cause {
    Cause::Tls(io::Error::new(io::ErrorKind::InvalidData, error))
}

fn distrusted(distrust: Distrust) -> Cause {
    let inside = rustls::OtherError(Arc::new(distrust));
    tls(CertificateError::Other(inside).into())
}

/// Everything that keeps us from upstream, in the order of its steps.
pub(crate) fn ways() -> Vec<(Stage, Cause)> {
    let lookups = LOOKUPS.map(|text| (Stage::Resolve, Cause::Resolve(io::Error::other(text))));
    let tls_errors = [
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
        rustls::Error::DecryptError,
    ];
    let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
    let mut ways: Vec<_> = lookups.into();
    ways.push((Stage::Resolve, Cause::Timeout));
    ways.extend(unreached().map(|tried| (Stage::Connect, Cause::Connect(tried))));
    ways.push((Stage::Connect, Cause::Timeout));
    ways.extend(
        certificates()
            .into_iter()
            .map(|found| (Stage::Tls, distrusted(found))),
    );
    // The signature of the handshake, which no issuer has to do with.
    ways.push((Stage::Tls, tls(CertificateError::BadSignature.into())));
    ways.extend(tls_errors.map(|error| (Stage::Tls, tls(error))));
    ways.push((Stage::Tls, Cause::Tls(cut)));
    ways.push((Stage::Tls, Cause::Timeout));
    ways.push((Stage::Token, Cause::UnusableToken(UnusableToken)));
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    ways.push((Stage::Login, Cause::Broken(broken)));
    ways.push((Stage::Login, Cause::Timeout));
    let closings = [
        Closing::PlaintextBeforeTls,
        Closing::Foreign(Foreign::Tls),
        Closing::Foreign(Foreign::Http),
        Closing::PeerClosed,
    ];
    ways.extend(closings.map(|closing| (Stage::Login, Cause::Protocol(closing))));
    ways
}

/// Too many open files, on every Unix.
const EMFILE: i32 = 24;

/// What a connection attempt can end with.
fn unreached() -> impl Iterator<Item = Unreached> {
    use io::ErrorKind as Kind;
    let (v4, v6) = ("192.0.2.1:993", "[2001:db8::1]:993");
    let tried = [
        vec![],
        vec![(v4, Kind::NetworkUnreachable.into())],
        vec![(v6, Kind::NetworkUnreachable.into())],
        vec![
            (v6, Kind::NetworkUnreachable.into()),
            (v4, Kind::ConnectionRefused.into()),
        ],
        vec![(v4, Kind::TimedOut.into())],
        vec![(v4, Kind::PermissionDenied.into())],
        vec![(v4, io::Error::from_raw_os_error(EMFILE))],
    ];
    let parsed = |(address, error): (&str, io::Error)| (address.parse().unwrap(), error);
    tried
        .into_iter()
        .map(move |tried| Unreached::new(tried.into_iter().map(parsed).collect()))
}
