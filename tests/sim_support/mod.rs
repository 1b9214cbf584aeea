//! The tests' own end of a mail connection to the simulator, line by line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, dead_code)]

pub(crate) mod logins;

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use saslgate::sim::{Demo, Sim};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A byte stream of either kind.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A conversation: `send` says, `expect` hears.
pub(crate) struct Conversation {
    stream: BufReader<Box<dyn Bytes>>,
}

/// A configuration that trusts the simulator's roots.
pub(crate) fn trusting(sim: &Sim) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in rustls::pki_types::CertificateDer::pem_slice_iter(sim.ca_pem().as_bytes()) {
        roots.add(root.unwrap()).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The initial response of XOAUTH2.
pub(crate) fn xoauth2(user: &str, token: &str) -> String {
    STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

/// A token of the demo's app, good for every mailbox of the demo.
pub(crate) fn app_token(sim: &Sim) -> String {
    let claims = sim.entra().app_claims(sim.directory(), Demo::CLIENT_ID).unwrap();
    sim.entra().mint(&claims).reveal().to_owned()
}

impl Conversation {
    /// Connects in clear.
    pub(crate) async fn plain(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connects with TLS.
    pub(crate) async fn tls(sim: &Sim, address: SocketAddr) -> Self {
        Self::plain(address).await.start_tls(sim).await
    }

    fn over(stream: impl Bytes + 'static) -> Self {
        Self {
            stream: BufReader::new(Box::new(stream)),
        }
    }

    /// Starts TLS on what is in clear so far.
    pub(crate) async fn start_tls(self, sim: &Sim) -> Self {
        assert_eq!(
            self.stream.buffer(),
            b"",
            "bytes in clear behind the answer to STARTTLS"
        );
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(trusting(sim)));
        Self::over(connector.connect(name, self.stream.into_inner()).await.unwrap())
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends bytes.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next line without its CRLF; empty at the end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.unwrap();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.strip_suffix("\r\n").map(str::to_owned).unwrap_or(line)
    }

    /// The next line begins like this.
    pub(crate) async fn expect(&mut self, beginning: &str) {
        let line = self.line().await;
        assert!(
            line.starts_with(beginning),
            "expected {beginning:?}, got {line:?}"
        );
    }

    /// The next line is this.
    pub(crate) async fn expect_exactly(&mut self, expected: &str) {
        assert_eq!(self.line().await, expected);
    }

    /// Reads until this line.
    pub(crate) async fn until(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(
                !line.is_empty() || self.stream.buffer() != b"",
                "the end instead of {last:?}: {lines:?}"
            );
            let found = line.starts_with(last);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// Reads a POP3 answer up to its lone dot.
    pub(crate) async fn until_dot(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.line().await);
            match lines.last().map(String::as_str) {
                Some(".") => return lines,
                Some("") if self.stream.fill_buf().await.unwrap().is_empty() => panic!("the end: {lines:?}"),
                _ => {}
            }
        }
    }

    /// Exactly this many bytes.
    pub(crate) async fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Everything up to the end, however it comes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Nothing more comes.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.rest().await, "");
    }
}
