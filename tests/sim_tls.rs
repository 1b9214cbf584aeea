//! The simulator's TLS: good certificates, bad ones, versions and resumption.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use saslgate::sim::certificates::CertificateChoice;
use saslgate::sim::record::Outcome;
use saslgate::sim::tls::{TlsSettings, TlsVersions};
use saslgate::sim::{Settings, Sim};
use sim_support::trusting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Hears the greeting and leaves.
async fn greet(sim: &Sim, name: &str, config: &Arc<ClientConfig>) -> std::io::Result<usize> {
    let tcp = TcpStream::connect(sim.addresses().imap).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?;
    let read = tls.read(&mut [0; 512]).await?;
    tls.shutdown().await?;
    Ok(read)
}

fn with(change: impl FnOnce(&mut TlsSettings)) -> Sim {
    let mut settings = Settings::default();
    change(&mut settings.tls);
    Sim::start(settings).unwrap()
}

#[tokio::test]
async fn good_certificates_are_good_for_every_name() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Arc::new(trusting(&sim));
    let names = [
        "localhost",
        "127.0.0.1",
        "::1",
        "outlook.office365.com",
        "smtp.office365.com",
    ];
    for certificate in [CertificateChoice::Ecdsa, CertificateChoice::RsaChain] {
        sim.exchange()
            .set_tls(TlsSettings {
                certificate,
                ..TlsSettings::default()
            })
            .unwrap();
        for name in names {
            assert!(greet(&sim, name, &config).await.is_ok(), "{certificate:?} {name}");
        }
        assert!(greet(&sim, "example.org", &config).await.is_err());
    }
    assert_eq!(
        (names.len(), sim.exchange().sessions()[3].server_name.as_deref()),
        (5, Some("outlook.office365.com"))
    );
}

#[tokio::test]
async fn bad_certificates_are_bad() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Arc::new(trusting(&sim));
    for certificate in CertificateChoice::BAD {
        sim.exchange()
            .set_tls(TlsSettings {
                certificate,
                ..TlsSettings::default()
            })
            .unwrap();
        let error = greet(&sim, "localhost", &config).await.unwrap_err();
        assert!(
            error.to_string().contains("invalid peer certificate"),
            "{certificate:?}: {error}"
        );
    }
    sim.exchange().until(|counts, _| counts.open == 0).await;
    let sessions = sim.exchange().sessions();
    assert!(
        sessions
            .iter()
            .all(|it| matches!(it.outcome, Outcome::TlsFailed(_) | Outcome::Left)),
        "{sessions:?}"
    );
    assert_eq!(sessions.len(), 8);
}

#[tokio::test]
async fn versions_and_key_exchange_are_as_set() {
    for (versions, expected) in [
        (TlsVersions::Only12, "1.2"),
        (TlsVersions::Only13, "1.3"),
        (TlsVersions::Both, "1.3"),
    ] {
        let sim = with(|tls| tls.versions = versions);
        greet(&sim, "localhost", &Arc::new(trusting(&sim))).await.unwrap();
        assert_eq!(
            sim.exchange().sessions()[0].tls.as_ref().unwrap().version,
            expected
        );
    }
    let sim = with(|tls| tls.x25519_only = true);
    let tcp = TcpStream::connect(sim.addresses().imap).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = TlsConnector::from(Arc::new(trusting(&sim)))
        .connect(name, tcp)
        .await
        .unwrap();
    let group = tls.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519);
}

#[tokio::test]
async fn sessions_are_resumed_when_they_may_be() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        for resumption in [true, false] {
            let sim = with(|tls| (tls.versions, tls.resumption) = (versions, resumption));
            let config = Arc::new(trusting(&sim));
            for _ in 0..3 {
                greet(&sim, "localhost", &config).await.unwrap();
            }
            let counts = sim.exchange().counts();
            let expected = if resumption { (1, 2) } else { (3, 0) };
            assert_eq!((counts.tls_full, counts.tls_resumed), expected, "{versions:?}");
        }
    }
}
