//! An upstream that plays a script on each connection, and the certificates that it shows.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::provider::{MailHost, UpstreamTls};
use crate::transport::{Link, Upgrade};

/// A certificate authority that only this test believes.
pub(super) struct Authority(pub(super) CertifiedIssuer<'static, KeyPair>);

/// What a server shows: its own certificate first, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, KeyPair);

impl Authority {
    pub(super) fn new() -> Self {
        Self::with(authority_params())
    }

    pub(super) fn with(params: CertificateParams) -> Self {
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority below this one.
    pub(super) fn intermediate(&self, params: CertificateParams) -> Self {
        Self(CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn issue(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        (vec![params.signed_by(&key, &self.0).unwrap().der().clone()], key)
    }

    /// A good certificate for `localhost`.
    pub(super) fn localhost(&self) -> Identity {
        self.issue(&CertificateParams::new(vec!["localhost".into()]).unwrap())
    }
}

pub(super) fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "saslgate test authority");
    params
}

/// An upstream on a loopback port.
pub(super) struct Server {
    pub(super) host: MailHost,
    accepting: JoinHandle<()>,
    connections: TaskTracker,
    heard: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Server {
    /// Plays a script on each connection, in order: `S:` lines are said, each `C:` line waits for a line, `-- TLS --` waits
    /// for a handshake, `-- cut --` drops the connection. Where TLS is implicit, it comes before the script.
    pub(super) async fn start(identity: Identity, tls: UpstreamTls, scripts: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, heard) = (TaskTracker::new(), Arc::new(Mutex::new(Vec::new())));
        let acceptor = acceptor(identity);
        let accept = {
            let (scripts, connections, heard) = (scripts.to_vec(), connections.clone(), Arc::clone(&heard));
            async move {
                for (index, script) in scripts.into_iter().enumerate() {
                    let (stream, _) = listener.accept().await.unwrap();
                    heard.lock().unwrap().push(Vec::new());
                    let mut guest = Guest {
                        index,
                        heard: Arc::clone(&heard),
                        unread: Vec::new(),
                    };
                    let acceptor = acceptor.clone();
                    connections.spawn(async move { guest.play(stream, &acceptor, tls, script).await });
                }
            }
        };
        let accepting = tokio::spawn(accept);
        let host = MailHost {
            name: "localhost".into(),
            port,
            tls,
        };
        Self {
            host,
            accepting,
            connections,
            heard,
        }
    }

    /// What was heard on each connection, once all of them are closed.
    pub(super) async fn heard(self) -> Vec<Vec<String>> {
        self.accepting.abort();
        let _ = self.accepting.await;
        self.connections.close();
        self.connections.wait().await;
        self.heard.lock().unwrap().clone()
    }
}

fn acceptor((chain, key): Identity) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    Arc::new(config).into()
}

/// One connection.
struct Guest {
    index: usize,
    heard: Arc<Mutex<Vec<Vec<String>>>>,
    unread: Vec<u8>,
}

impl Guest {
    async fn play(
        &mut self,
        stream: TcpStream,
        acceptor: &TlsAcceptor,
        tls: UpstreamTls,
        script: &str,
    ) -> Option<()> {
        let mut link = Link::plain(stream);
        let upgrade = Upgrade::Accept(acceptor.clone());
        let implicit = (tls == UpstreamTls::Implicit).then_some("-- TLS --");
        for line in implicit.into_iter().chain(script.lines().map(str::trim)) {
            match line {
                "-- TLS --" => link.start_tls(&upgrade).await.ok()?,
                "-- cut --" => return None,
                "C:" => self.hear(&mut link).await?,
                _ => {
                    let said = line.strip_prefix("S: ").unwrap();
                    link.write(format!("{said}\r\n").as_bytes()).await.ok()?;
                }
            }
        }
        // Whatever else is said, until the guest leaves.
        while self.hear(&mut link).await.is_some() {}
        None
    }

    async fn hear(&mut self, link: &mut Link) -> Option<()> {
        let mut chunk = [0; 1024];
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8(line).unwrap().trim_end().to_owned();
                self.heard.lock().unwrap()[self.index].push(line);
                return Some(());
            }
            let count = link.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
            self.unread.extend_from_slice(&chunk[..count]);
        }
    }
}
