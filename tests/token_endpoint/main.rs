//! The token endpoint as it should be, as it often is, and as an enemy would have it: real HTTPS on loopback.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod machines;
mod people;
mod refusals;
mod replies;
mod ways;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use saslgate::oauth::{
    Algorithm, CertificateFiles, ClientCredentials, Dialect, Endpoint, FederatedToken, Issued, Kind, Proof,
    Registration, TokenError,
};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::secret::Secret;
use saslgate::transport::Verifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// With characters that have to be encoded, exactly once.
const SECRET: &str = "CANARY8Q~s.e/c+r e%t&=";

/// What the endpoint does with a request.
#[derive(Clone)]
enum Act {
    /// Sends these bytes and closes.
    Say(Vec<u8>),
    /// Sends these bytes to an app that proves itself by a secret, and `invalid_client` to any other.
    Want(Vec<u8>),
    /// Sends the head of a reply, then a byte now and then, for ever.
    Drip(Vec<u8>),
    /// Sends the head of a reply, then nothing.
    Stall(Vec<u8>),
    /// Sends a body for ever, as fast as it is taken.
    Flood(Vec<u8>),
}

/// An endpoint that does the same with each request.
struct Server {
    address: SocketAddr,
    trust: Arc<ClientConfig>,
    requests: Arc<Mutex<Vec<String>>>,
    /// Hears when a head has been sent.
    spoken: mpsc::UnboundedReceiver<()>,
}

impl Server {
    async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, trust) = tls();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (speak, spoken) = mpsc::unbounded_channel();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(server);
            while let Ok((tcp, _)) = listener.accept().await {
                let Ok(mut link) = acceptor.accept(tcp).await else {
                    continue;
                };
                let request = request(&mut link).await;
                tokio::spawn(perform(link, act.clone().toward(&request), speak.clone()));
                seen.lock().unwrap().push(request);
            }
        });
        Self {
            address,
            trust,
            requests,
            spoken,
        }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn grant(&self) -> ClientCredentials {
        grant(&format!(
            "https://localhost:{}/contoso/oauth2/v2.0/token",
            self.address.port()
        ))
    }

    async fn ask(&self) -> Result<Issued, TokenError> {
        let endpoint = Endpoint::new(Outgoing::new(&self.trust, &Proxy::Direct).unwrap());
        endpoint.client_credentials(&self.grant()).await
    }
}

/// What one request to an endpoint that says this ends with; no secret is in it.
async fn answer(said: impl Into<Vec<u8>>) -> Result<Issued, TokenError> {
    let answer = Server::start(Act::Say(said.into())).await.ask().await;
    if let Err(error) = &answer {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        assert!(!shown.contains(['\r', '\n', '\u{1b}']), "{shown}");
    }
    answer
}

async fn refusal(said: impl Into<Vec<u8>>) -> TokenError {
    answer(said).await.unwrap_err()
}

fn grant(token_url: &str) -> ClientCredentials {
    ClientCredentials {
        registration: Registration {
            token_url: token_url.parse().unwrap(),
            client_id: "11111111-2222-3333-4444-555555555555".into(),
            proof: Proof::Secret(Secret::new(SECRET.into())),
            dialect: Dialect::Scope,
        },
        scope: "https://outlook.office365.com/.default".into(),
    }
}

/// A server that a client trusts.
fn tls() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "login.example".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &ca)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let trust = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        // As the product's own configuration has it.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::asking(webpki)))
        .with_no_client_auth();
    (Arc::new(server), Arc::new(trust))
}

/// Head and body of one request.
async fn request(link: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        if link.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

impl Act {
    fn toward(self, request: &str) -> Self {
        match self {
            Self::Want(_) if !request.contains("&client_secret=") => {
                let body = r#"{"error":"invalid_client"}"#;
                Self::Say(reply("401 Unauthorized", "application/json", body).into())
            }
            Self::Want(said) => Self::Say(said),
            other => other,
        }
    }
}

async fn perform(mut link: TlsStream<TcpStream>, act: Act, speak: mpsc::UnboundedSender<()>) {
    let (Act::Say(head) | Act::Want(head) | Act::Drip(head) | Act::Stall(head) | Act::Flood(head)) = &act;
    let _ = link.write_all(head).await;
    let _ = link.flush().await;
    let _ = speak.send(());
    match act {
        Act::Say(_) | Act::Want(_) => {
            let _ = link.shutdown().await;
        }
        Act::Drip(_) => {
            let mut pace = tokio::time::interval(Duration::from_secs(1));
            while link.write_all(b" ").await.is_ok() && link.flush().await.is_ok() {
                pace.tick().await;
            }
        }
        Act::Stall(_) => {
            let _ = link.read_u8().await;
        }
        Act::Flood(_) => while link.write_all(&[b' '; 4096]).await.is_ok() {},
    }
}

fn reply(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn ok(body: &str) -> String {
    reply("200 OK", "application/json; charset=utf-8", body)
}

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"tok"}"#;
