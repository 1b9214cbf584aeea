//! What is made is believed by TLS, found by nobody else, and never lost.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;

fn args(dir: &Path, names: &[&str]) -> ListenersArgs {
    ListenersArgs {
        dir: dir.to_owned(),
        names: names.iter().map(|name| Name::parse(name).unwrap()).collect(),
        ecdsa: true,
        renew: false,
    }
}

fn host() -> Name {
    Name::parse("Desk-7").unwrap()
}

fn now() -> SystemTime {
    SystemTime::now()
}

/// A directory with certificates in it.
fn made(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    make(&args(dir.path(), names), Some(host()), now()).unwrap();
    dir
}

fn text(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap()
}

fn mail_client(ca: &str, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

fn listener_config(dir: &Path) -> ServerConfig {
    let chain = CertificateDer::pem_slice_iter(text(dir, "server.pem").as_bytes())
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(text(dir, "server.key").as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    config.with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// A handshake in memory, as a mail client that trusts `ca` and connects to `name`.
fn handshake(
    dir: &Path,
    ca: &str,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(mail_client(ca, version)), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(listener_config(dir))).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn mail_clients_that_trust_the_authority_believe_every_name_and_no_other() {
    let dir = made(&["mail.example.net", "192.0.2.7", "2001:db8::7"]);
    let ca = text(dir.path(), "ca.pem");
    let table = [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("desk-7", true),
        ("mail.example.net", true),
        ("MAIL.example.net", true),
        ("192.0.2.7", true),
        ("2001:db8::7", true),
        ("other.example.net", false),
        ("192.0.2.8", false),
    ];
    for version in [&TLS12, &TLS13] {
        for (name, believed) in table {
            let shaken = handshake(dir.path(), &ca, name, version);
            assert_eq!(shaken.is_ok(), believed, "{name}: {shaken:?}");
        }
    }
    let stranger = text(made(&[]).path(), "ca.pem");
    assert!(handshake(dir.path(), &stranger, "localhost", &TLS13).is_err());
}

#[test]
fn rsa_is_the_default_and_works_with_tls_1_2() {
    let dir = tempfile::tempdir().unwrap();
    make(
        &ListenersArgs {
            ecdsa: false,
            ..args(dir.path(), &[])
        },
        None,
        now(),
    )
    .unwrap();
    for version in [&TLS12, &TLS13] {
        handshake(dir.path(), &text(dir.path(), "ca.pem"), "localhost", version).unwrap();
    }
    assert_eq!(rsa_bits(&text(dir.path(), "ca.pem")), 3_072);
    assert_eq!(rsa_bits(&text(dir.path(), "server.pem")), 2_048);
}

fn rsa_bits(pem: &str) -> usize {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    certificate.public_key().parsed().unwrap().key_size()
}

#[test]
fn an_authority_signs_servers_only_and_a_server_signs_nothing() {
    let dir = made(&[]);
    let (ca, server) = (text(dir.path(), "ca.pem"), text(dir.path(), "server.pem"));
    let ca = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
    let server = CertificateDer::from_pem_slice(server.as_bytes()).unwrap();
    let (_, ca) = X509Certificate::from_der(&ca).unwrap();
    let (_, server) = X509Certificate::from_der(&server).unwrap();

    let constraints = ca.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca && constraints.path_len_constraint == Some(0));
    assert!(!server.is_ca());
    assert!(server.extended_key_usage().unwrap().unwrap().value.server_auth);

    let days = |certificate: &X509Certificate<'_>| {
        let validity = certificate.validity();
        (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400
    };
    assert_eq!((days(&ca), days(&server)), (3_653, 397));
    let begin = ca.validity().not_before.timestamp();
    let now = now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(
        u64::try_from(begin).unwrap() <= now - 3_500,
        "for devices whose clock runs late"
    );
}

#[test]
fn keys_are_for_their_owner_and_nothing_is_overwritten() {
    let dir = made(&[]);
    let modes = [
        ("ca.key", 0o600),
        ("server.key", 0o600),
        ("ca.pem", 0o644),
        ("server.pem", 0o644),
    ];
    let before: Vec<String> = modes.iter().map(|(file, _)| text(dir.path(), file)).collect();
    for (file, mode) in modes {
        let found = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(found & 0o777 & !mode, 0, "{file} has {found:o}");
    }
    let said = make(&args(dir.path(), &[]), Some(host()), now()).unwrap();
    for word in ["nothing was made", "--renew", "How to trust ca.pem", "keytool"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let after: Vec<String> = modes.iter().map(|(file, _)| text(dir.path(), file)).collect();
    assert_eq!(before, after);
    let more = make(&args(dir.path(), &["mail.example.net"]), Some(host()), now());
    assert!(more.is_err(), "a further name is not in the certificate");
    fs::remove_file(dir.path().join("server.key")).unwrap();
    let why = make(&args(dir.path(), &[]), Some(host()), now()).unwrap_err();
    assert!(
        why.contains("ca.pem is there already") && why.contains("--renew"),
        "{why}"
    );
}

#[test]
fn a_link_laid_in_the_way_is_not_followed() {
    for file in ["ca.pem", "ca.key", "server.pem", "server.key"] {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join(file)).unwrap();
        make(&args(dir.path(), &[]), Some(host()), now()).unwrap_err();
        assert!(!elsewhere.exists());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing was left behind"
        );
    }
}

#[test]
fn all_files_are_made_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("no such folder/second"));
    let why = create_all(&[(&first, Mode::Secret, b"1"), (&second, Mode::Public, b"2")]).unwrap_err();
    assert!(why.contains("no such folder"), "{why}");
    assert!(!first.exists());
}

#[test]
fn renewing_keeps_the_authority_the_key_and_the_names() {
    let dir = made(&["mail.example.net"]);
    let [ca, ca_key, server, key] =
        ["ca.pem", "ca.key", "server.pem", "server.key"].map(|file| text(dir.path(), file));
    let later = now() + Duration::from_secs(300 * 86_400);
    let said = renew(&args(dir.path(), &["192.0.2.9"]), later).unwrap();
    assert!(
        said.contains("mail.example.net, desk-7, localhost, 127.0.0.1, ::1, 192.0.2.9"),
        "{said}"
    );
    assert_eq!(text(dir.path(), "ca.pem"), ca);
    assert_eq!(text(dir.path(), "ca.key"), ca_key);
    assert_eq!(text(dir.path(), "server.key"), key);
    assert_ne!(text(dir.path(), "server.pem"), server);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        4,
        "no temporary file is left"
    );
    let names = Name::all_of(&text(dir.path(), "server.pem")).unwrap();
    assert!(names.contains(&Name::Address("192.0.2.9".parse::<IpAddr>().unwrap())));
    // That one begins in the future.
    renew(&args(dir.path(), &[]), now()).unwrap();
    for name in ["mail.example.net", "192.0.2.9", "localhost"] {
        handshake(dir.path(), &ca, name, &TLS13).unwrap();
    }
}

/// The product knows the issuer of the certificate that it was shown, and none of ours.
#[test]
fn a_certificate_of_somebody_else_is_not_replaced() {
    type Change = fn(&Path);
    let foreign: Change = |dir| {
        let key = KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["mail.example.net".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "Let's Encrypt");
        fs::write(dir.join("server.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    };
    let link: Change = |dir| {
        fs::rename(dir.join("server.pem"), dir.join("live.pem")).unwrap();
        std::os::unix::fs::symlink("live.pem", dir.join("server.pem")).unwrap();
    };
    let table = [
        (foreign, "but by rcgen self signed cert (Let's Encrypt)"),
        (link, "is a link to live.pem"),
    ];
    for (change, expected) in table {
        let dir = made(&[]);
        change(dir.path());
        let before = ["server.pem", "server.key"].map(|file| text(dir.path(), file));
        let why = renew(&args(dir.path(), &[]), now()).unwrap_err();
        for word in [expected, "nothing was changed", "in its place", "away, then"] {
            assert!(why.contains(word), "{word}: {why}");
        }
        assert_eq!(
            ["server.pem", "server.key"].map(|file| text(dir.path(), file)),
            before
        );
        // As it says.
        for file in ["server.pem", "server.key"] {
            fs::rename(dir.path().join(file), dir.path().join(format!("{file}.away"))).unwrap();
        }
        renew(&args(dir.path(), &[]), now()).unwrap();
        handshake(dir.path(), &text(dir.path(), "ca.pem"), "localhost", &TLS13).unwrap();
    }
    assert_eq!(table.len(), 2);
}

#[test]
fn firefox_refuses_two_certificates_with_one_number() {
    let dir = made(&[]);
    let serial = |file| {
        let der = CertificateDer::from_pem_slice(text(dir.path(), file).as_bytes()).unwrap();
        X509Certificate::from_der(&der).unwrap().1.raw_serial_as_string()
    };
    let mut seen = std::collections::HashSet::from([serial("ca.pem"), serial("server.pem")]);
    for _ in 0..10 {
        renew(&args(dir.path(), &[]), now()).unwrap();
        seen.insert(serial("server.pem"));
    }
    assert_eq!(seen.len(), 12);
}

#[test]
fn a_lost_server_key_is_made_anew() {
    let dir = made(&[]);
    let (ca, key) = (text(dir.path(), "ca.pem"), text(dir.path(), "server.key"));
    fs::remove_file(dir.path().join("server.key")).unwrap();
    fs::remove_file(dir.path().join("server.pem")).unwrap();
    renew(&args(dir.path(), &[]), now()).unwrap();
    assert_ne!(text(dir.path(), "server.key"), key);
    let mode = fs::metadata(dir.path().join("server.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
    handshake(dir.path(), &ca, "localhost", &TLS13).unwrap();
}

/// What is wrong with a directory before it is renewed.
enum Damage {
    Gone(&'static str),
    Cut(&'static str),
    KeyOf(tempfile::TempDir),
    TenYearsLater,
}

impl Damage {
    /// Does it; the moment of the renewal.
    fn to(&self, dir: &Path) -> SystemTime {
        match self {
            Self::Gone(file) => fs::remove_file(dir.join(file)).unwrap(),
            Self::Cut(file) => fs::write(dir.join(file), "-----BEGIN").unwrap(),
            Self::KeyOf(other) => _ = fs::copy(other.path().join("ca.key"), dir.join("ca.key")).unwrap(),
            Self::TenYearsLater => return now() + Duration::from_secs(3_660 * 86_400),
        }
        now()
    }
}

#[test]
fn what_cannot_be_renewed_says_why_and_changes_nothing() {
    let table = [
        (Damage::Gone("ca.pem"), "ca.pem can't be read"),
        (Damage::Gone("ca.key"), "ca.key can't be read"),
        (Damage::Cut("ca.pem"), "ca.pem is no certificate"),
        (Damage::Cut("ca.key"), "ca.key: this is no private key"),
        (Damage::Cut("server.pem"), "the server certificate can't be read"),
        (Damage::Cut("server.key"), "server.key: this is no private key"),
        (Damage::KeyOf(made(&[])), "not the key of ca.pem"),
        (Damage::TenYearsLater, "has expired"),
    ];
    for (damage, expected) in &table {
        let dir = made(&[]);
        let at = damage.to(dir.path());
        let before = text(dir.path(), "server.pem");
        let why = renew(&args(dir.path(), &[]), at).unwrap_err();
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("BEGIN"), "{why}");
        assert_eq!(text(dir.path(), "server.pem"), before, "{why}");
    }
    assert_eq!(table.len(), 8);
}

#[test]
fn a_server_certificate_never_outlives_its_authority() {
    let dir = made(&[]);
    let nearly = now() + Duration::from_secs(3_600 * 86_400);
    renew(&args(dir.path(), &[]), nearly).unwrap();
    let end = |file| {
        let der = CertificateDer::from_pem_slice(text(dir.path(), file).as_bytes()).unwrap();
        X509Certificate::from_der(&der).unwrap().1.validity().not_after
    };
    assert_eq!(end("server.pem"), end("ca.pem"));
}

#[test]
fn names_are_read_as_they_are_typed() {
    let table = [
        ("Mail.Example.NET", Ok("mail.example.net")),
        ("mail.example.net.", Ok("mail.example.net")),
        ("desk_7", Ok("desk_7")),
        ("192.0.2.7", Ok("192.0.2.7")),
        ("[2001:db8::7]", Ok("2001:db8::7")),
        ("2001:DB8:0::7", Ok("2001:db8::7")),
        ("", Err("neither")),
        ("*.example.net", Err("neither")),
        ("two words", Err("neither")),
        ("mail.example.net:993", Err("neither")),
        ("müller.example", Err("xn--")),
    ];
    for (typed, expected) in table {
        let name = Name::parse(typed).map(|name| name.to_string());
        match expected {
            Ok(expected) => assert_eq!(name.as_deref(), Ok(expected)),
            Err(word) => assert!(name.unwrap_err().contains(word), "{typed}"),
        }
    }
    assert_eq!(table.len(), 11);
}

#[test]
fn the_printed_listeners_are_toml_with_the_absolute_files() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("with \"quotes\" and spaces");
    let said = make(&args(&odd, &[]), Some(host()), now()).unwrap();
    let (begin, end) = (
        said.find("[[listener]]").unwrap(),
        said.find("How to trust").unwrap(),
    );
    let table: toml::Table = said[begin..end].parse().unwrap();
    let listeners = table["listener"].as_array().unwrap();
    assert_eq!(listeners.len(), 3);
    for listener in listeners {
        for (name, file) in [("certificate", "server.pem"), ("key", "server.key")] {
            assert_eq!(listener[name].as_str().unwrap(), odd.join(file).to_str().unwrap());
        }
    }
}
