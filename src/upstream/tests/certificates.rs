//! Who is believed to be the upstream, and who is not.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, KeyPair, NameConstraints, SanType,
    date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::{Authority, Identity, Server, authority_params};
use super::{Wallet, open, upstream};
use crate::provider::{MailHost, Protocol, UpstreamTls};
use crate::transport::Trouble;
use crate::upstream::{Cause, Stage, UpstreamError};

const YES: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] hi
    C:
    S: A1 OK [CAPABILITY IMAP4rev1] in
    C:
    S: A2 OK done";

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.into()]).unwrap()
}

fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = params("localhost");
    change(&mut params);
    params
}

fn self_signed() -> Identity {
    let key = KeyPair::generate().unwrap();
    (
        vec![params("localhost").self_signed(&key).unwrap().der().clone()],
        key,
    )
}

/// An intermediate that may only speak for another domain.
fn outside_its_constraints(authority: &Authority) -> Identity {
    let mut constrained = authority_params();
    constrained
        .distinguished_name
        .push(DnType::OrganizationName, "constrained");
    constrained.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("contoso.example".into())],
        excluded_subtrees: Vec::new(),
    });
    with_intermediate(authority, constrained)
}

fn with_intermediate(authority: &Authority, params: CertificateParams) -> Identity {
    let intermediate = authority.intermediate(params);
    let (mut chain, key) = intermediate.localhost();
    chain.push(intermediate.root());
    (chain, key)
}

fn intermediate_params() -> CertificateParams {
    let mut params = authority_params();
    params.distinguished_name.push(DnType::OrganizationName, "below");
    params
}

/// The chain without the certificate that links it to the root.
fn truncated(authority: &Authority) -> Identity {
    let (mut chain, key) = with_intermediate(authority, intermediate_params());
    chain.truncate(1);
    (chain, key)
}

async fn try_with(
    authority: &Authority,
    identity: Identity,
    name: &str,
) -> (Option<UpstreamError>, Vec<Vec<String>>) {
    let server = Server::start(identity, UpstreamTls::Implicit, &[YES]).await;
    let host = MailHost {
        name: name.into(),
        ..server.host.clone()
    };
    let opened = open(
        &upstream(authority),
        (Protocol::Imap, &host),
        Wallet::with("token"),
        None,
    )
    .await;
    (opened.err(), server.heard().await)
}

#[tokio::test]
async fn certificates_that_are_not_to_be_believed_are_refused_before_a_word_is_said() {
    let authority = Authority::new();
    let issue = |params: &CertificateParams| authority.issue(params);
    let day = |year| date_time_ymd(year, 1, 1);
    let cases: Vec<(&str, &str, Identity)> = vec![
        ("self-signed", "localhost", self_signed()),
        ("unknown root", "localhost", Authority::new().localhost()),
        ("another host", "localhost", issue(&params("mail.example"))),
        (
            "expired",
            "localhost",
            issue(&changed(|leaf| leaf.not_after = day(2021))),
        ),
        (
            "not yet valid",
            "localhost",
            issue(&changed(|leaf| leaf.not_before = day(2048))),
        ),
        (
            "made for clients",
            "localhost",
            issue(&changed(|leaf| {
                leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            })),
        ),
        (
            "outside the issuer's constraints",
            "localhost",
            outside_its_constraints(&authority),
        ),
        (
            "the name in the common name only",
            "localhost",
            issue(&changed(|leaf| {
                leaf.subject_alt_names.clear();
                leaf.distinguished_name.push(DnType::CommonName, "localhost");
            })),
        ),
        (
            "an address said as a name",
            "127.0.0.1",
            issue(&changed(|leaf| {
                leaf.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
            })),
        ),
        (
            "a name that only its address is certified for",
            "localhost",
            issue(&changed(|leaf| {
                leaf.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
            })),
        ),
        ("truncated chain", "localhost", truncated(&authority)),
    ];
    let count = cases.len();
    for (about, name, identity) in cases {
        let (error, heard) = try_with(&authority, identity, name).await;
        let error = error.unwrap_or_else(|| panic!("{about} was believed"));
        assert!(
            matches!((error.stage, &error.cause), (Stage::Tls, Cause::Tls(_))),
            "{about}: {error}"
        );
        let Cause::Tls(tls) = &error.cause else {
            panic!("{about}")
        };
        assert!(
            matches!(Trouble::of(tls), Some(Trouble::Distrust(_))),
            "{about}: {error}"
        );
        assert_eq!(heard, [Vec::<String>::new()], "{about}: one try, and no word");
    }
    assert_eq!(count, 11);
}

/// An inspecting firewall is found by the name that it signs with; that name is the firewall's to choose.
#[tokio::test]
async fn whoever_issued_a_certificate_that_is_not_believed_is_named() {
    let mut firewall = authority_params();
    firewall
        .distinguished_name
        .push(DnType::OrganizationName, "Inspection\r\n\u{1b}[2J Inc.");
    let (error, _) = try_with(
        &Authority::new(),
        Authority::with(firewall).localhost(),
        "localhost",
    )
    .await;
    let Some(Cause::Tls(tls)) = error.map(|error| error.cause) else {
        panic!("it was believed")
    };
    let Some(Trouble::Distrust(distrust)) = Trouble::of(&tls) else {
        panic!("{tls}")
    };
    assert_eq!(
        distrust.to_string(),
        r#"its issuer is not known here; it was issued by "saslgate test authority (Inspection\r\n\u{1b}[2J Inc.)""#
    );
}

/// A wrong clock is the machine's own fault, and shows as the days that don't fit.
#[tokio::test]
async fn a_certificate_of_another_time_says_which_days_do_not_fit() {
    let authority = Authority::new();
    let identity = authority.issue(&changed(|leaf| leaf.not_before = date_time_ymd(2048, 2, 29)));
    let (error, _) = try_with(&authority, identity, "localhost").await;
    let Some(Cause::Tls(tls)) = error.map(|error| error.cause) else {
        panic!("it was believed")
    };
    let Some(Trouble::Distrust(distrust)) = Trouble::of(&tls) else {
        panic!("{tls}")
    };
    let said = distrust.to_string();
    assert!(
        said.starts_with("it begins on 2048-02-29, and this machine's clock says 20"),
        "{said}"
    );
}

#[tokio::test]
async fn certificates_that_are_good_are_believed() {
    let authority = Authority::new();
    let cases = [
        ("below the root", "localhost", authority.localhost()),
        (
            "with its intermediate",
            "localhost",
            with_intermediate(&authority, intermediate_params()),
        ),
        (
            "for an address",
            "127.0.0.1",
            authority.issue(&CertificateParams::new(vec!["127.0.0.1".into()]).unwrap()),
        ),
    ];
    for (about, name, identity) in cases {
        let (error, heard) = try_with(&authority, identity, name).await;
        assert!(error.is_none(), "{about}: {error:?}");
        assert!(
            heard[0][0].starts_with("A1 AUTHENTICATE XOAUTH2 "),
            "{about}: {heard:?}"
        );
    }
}

/// What a server says in clear where TLS is due from the first byte never reaches the handshake, and a server that
/// wants TLS 1.0 or 1.1 gets none: a `ServerHello` with that version, and the alert of one that finds ours too new.
#[tokio::test]
async fn what_is_not_tls_of_today_is_refused() {
    let cases: &[(&str, Vec<u8>)] = &[
        (
            "clear text",
            b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello\r\n".to_vec(),
        ),
        ("TLS 1.0", server_hello(1)),
        ("TLS 1.1", server_hello(2)),
        ("an alert: protocol version", vec![0x15, 3, 1, 0, 2, 2, 70]),
    ];
    for (about, bytes) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let bytes = bytes.clone();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard).await;
            heard
        });
        let host = MailHost {
            name: "localhost".into(),
            port,
            tls: UpstreamTls::Implicit,
        };
        let opened = open(
            &upstream(&Authority::new()),
            (Protocol::Imap, &host),
            Wallet::with("token"),
            None,
        )
        .await;
        let error = opened.err().unwrap_or_else(|| panic!("{about} was taken"));
        assert!(
            matches!((error.stage, &error.cause), (Stage::Tls, Cause::Tls(_))),
            "{about}: {error}"
        );
        let heard = server.await.unwrap();
        assert_eq!(heard.first(), Some(&0x16), "{about}: a ClientHello and no word");
        assert!(!heard.windows(12).any(|part| part == b"AUTHENTICATE"), "{about}");
    }
    assert_eq!(cases.len(), 4);
}

/// A `ServerHello` of an old version: record, handshake header, version, random, no session, AES-128-SHA, no compression.
fn server_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![0x16, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

/// The name that is shown and verified is the configured one, whatever address a resolver gives for it.
#[tokio::test]
async fn the_configured_name_is_asked_for() {
    let (asked, port) = name_asked_for().await;
    let host = MailHost {
        name: "localhost".into(),
        port,
        tls: UpstreamTls::Implicit,
    };
    let opened = open(
        &upstream(&Authority::new()),
        (Protocol::Imap, &host),
        Wallet::with("token"),
        None,
    )
    .await;
    assert!(opened.is_err());
    assert_eq!(asked.await.unwrap().as_deref(), Some("localhost"));
}

/// A server that reads a `ClientHello`'s server name (RFC 6066 3) and hangs up.
async fn name_asked_for() -> (tokio::task::JoinHandle<Option<String>>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = rustls::server::Acceptor::default();
        let start = tokio_rustls::LazyConfigAcceptor::new(acceptor, stream)
            .await
            .unwrap();
        start.client_hello().server_name().map(String::from)
    });
    (asked, port)
}
