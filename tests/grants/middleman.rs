//! A token endpoint that hands everything on to the simulator's, and remembers each secret that came by.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use saslgate::sim::Sim;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::sim_support::trusting;
use crate::support::place::Place;

/// What is secret in requests and in answers.
const SECRET: [&str; 9] = [
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "password",
    "refresh_token",
];

/// Secrets by the name of the field in which they came.
pub(crate) type Secrets = Arc<Mutex<Vec<(String, String)>>>;

/// The endpoint.
pub(crate) struct Middleman {
    pub(crate) port: u16,
    pub(crate) secrets: Secrets,
}

impl Middleman {
    /// Listens with the certificate of the place, which its `ca.pem` has to vouch for.
    pub(crate) async fn start(sim: &Sim, place: &Place) -> Self {
        let certificate = CertificateDer::from_pem_file(place.path("listener.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(place.path("listener.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(trusting(sim))
            .no_proxy()
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (authority, secrets) = (sim.addresses().authority(), Secrets::default());
        let (acceptor, noted) = (TlsAcceptor::from(Arc::new(tls)), Arc::clone(&secrets));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, http) = (acceptor.clone(), http.clone());
                let (authority, noted) = (authority.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    if let Ok(link) = acceptor.accept(tcp).await {
                        hand_on(link, &http, &authority, &noted).await;
                    }
                });
            }
        });
        Self { port, secrets }
    }
}

async fn hand_on(mut link: TlsStream<TcpStream>, http: &reqwest::Client, authority: &str, noted: &Secrets) {
    let Some((head, body)) = request(&mut link).await else {
        return;
    };
    let path = head.split(' ').nth(1).unwrap();
    let mut onward = http.post(format!("{authority}{path}")).body(body.clone());
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        if !name.eq_ignore_ascii_case("content-length") {
            onward = onward.header(name, value);
        }
    }
    let form = form_urlencoded::parse(body.as_bytes()).into_owned();
    note(noted, form);
    let answer = onward.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    if let Ok(Value::Object(fields)) = serde_json::from_str(&text) {
        let texts = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        note(noted, texts);
    }
    let mut reply = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n");
    let _ = write!(
        reply,
        "content-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    let _ = link.write_all(reply.as_bytes()).await;
    let _ = link.shutdown().await;
}

fn note(noted: &Secrets, fields: impl Iterator<Item = (String, String)>) {
    let secret = fields.filter(|(name, _)| SECRET.contains(&name.as_str()));
    noted.lock().unwrap().extend(secret);
}

async fn request(link: &mut TlsStream<TcpStream>) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if link.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
