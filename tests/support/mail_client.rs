//! A mail client, line by line.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::config::Account;
use super::soon;

/// A byte stream of either kind.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A connection to saslgate.
pub(crate) struct MailClient {
    protocol: Protocol,
    stream: BufReader<Box<dyn Bytes>>,
}

impl MailClient {
    /// Connects in clear.
    pub(crate) async fn connect(protocol: Protocol, address: SocketAddr) -> Self {
        let stream = soon("a connection", TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(protocol, stream)
    }

    /// Connects in clear to a program that may be gone.
    pub(crate) async fn try_connect(protocol: Protocol, address: SocketAddr) -> Option<Self> {
        let stream = soon("a connection", TcpStream::connect(address)).await.ok()?;
        Some(Self::over(protocol, stream))
    }

    /// Connects in clear from an address of this machine's own, and hears the greeting.
    pub(crate) async fn greeted_from(
        source: std::net::Ipv4Addr,
        protocol: Protocol,
        address: SocketAddr,
    ) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((source, 0).into()).unwrap();
        let stream = soon("a connection", socket.connect(address)).await.unwrap();
        let mut this = Self::over(protocol, stream);
        let greeting = this.line().await;
        assert!(!greeting.is_empty());
        this
    }

    /// A mail client on a connection that is there already.
    pub(crate) fn over(protocol: Protocol, stream: impl Bytes + 'static) -> Self {
        Self {
            protocol,
            stream: BufReader::new(Box::new(stream)),
        }
    }

    /// Starts TLS; an error is what rustls says.
    pub(crate) async fn start_tls(self, config: &Arc<ClientConfig>) -> std::io::Result<Self> {
        assert_eq!(self.stream.buffer(), b"", "bytes in clear in front of TLS");
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = soon(
            "a TLS handshake",
            connector.connect(name, self.stream.into_inner()),
        )
        .await?;
        Ok(Self::over(self.protocol, stream))
    }

    /// Connects in clear and hears the greeting.
    pub(crate) async fn greeted(protocol: Protocol, address: SocketAddr) -> Self {
        let mut this = Self::connect(protocol, address).await;
        let greeting = this.line().await;
        let expected = match protocol {
            Protocol::Imap => "* OK [CAPABILITY ",
            Protocol::Pop3 => "+OK ",
            Protocol::Smtp => "220 ",
        };
        assert!(greeting.starts_with(expected), "{protocol}: {greeting:?}");
        this
    }

    /// Connects in clear and logs in.
    pub(crate) async fn logged_in(protocol: Protocol, address: SocketAddr, account: &Account) -> Self {
        let mut this = Self::greeted(protocol, address).await;
        let reply = this.log_in(&account.login, &account.password).await;
        assert!(reply.is_yes(), "{protocol}: {} got {reply:?}", account.login);
        this
    }

    /// Sends a line.
    pub(crate) async fn say(&mut self, line: &str) {
        self.say_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends bytes. What a closed connection does not take shows in what comes back.
    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        let said = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let _ = soon("saslgate to read", said).await;
    }

    /// The next line without its CRLF; empty at the end, however it comes.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let _ = soon("a line", self.stream.read_until(b'\n', &mut line)).await;
        let line = String::from_utf8_lossy(&line);
        line.strip_suffix("\r\n").unwrap_or(&line).to_owned()
    }

    /// The next line, however long it takes.
    pub(crate) async fn line_whenever(&mut self) -> String {
        let mut line = Vec::new();
        let _ = self.stream.read_until(b'\n', &mut line).await;
        String::from_utf8_lossy(&line).into_owned()
    }

    /// The next line that ends a reply to a command with the tag `a`.
    pub(crate) async fn reply(&mut self) -> Reply {
        loop {
            let line = self.line().await;
            let goes_on = match self.protocol {
                Protocol::Imap => line.starts_with("* ") && !line.starts_with("* BYE"),
                Protocol::Pop3 => false,
                Protocol::Smtp => line.as_bytes().get(3) == Some(&b'-'),
            };
            if !goes_on {
                return Reply {
                    protocol: self.protocol,
                    line,
                };
            }
        }
    }

    /// Says a command (in IMAP with its tag `a`) and hears the end of its reply.
    pub(crate) async fn ask(&mut self, command: &str) -> Reply {
        self.say(command).await;
        self.reply().await
    }

    /// Logs in after the greeting, as old software does.
    pub(crate) async fn log_in(&mut self, user: &str, password: &str) -> Reply {
        match self.protocol {
            Protocol::Imap => self.ask(&format!("a LOGIN \"{user}\" \"{password}\"")).await,
            Protocol::Pop3 => {
                self.ask(&format!("USER {user}")).await;
                self.ask(&format!("PASS {password}")).await
            }
            Protocol::Smtp => {
                self.ask("EHLO scanner.example").await;
                self.ask(&format!("AUTH PLAIN {}", plain(user, password))).await
            }
        }
    }

    /// Asks upstream for something, through the relay.
    pub(crate) async fn is_relayed(&mut self) -> bool {
        let command = match self.protocol {
            Protocol::Imap => "a NOOP",
            Protocol::Pop3 | Protocol::Smtp => "NOOP",
        };
        self.ask(command).await.is_yes()
    }

    /// Says that it will say nothing more.
    pub(crate) async fn hang_up(&mut self) {
        let _ = soon("an end", self.stream.shutdown()).await;
    }

    /// Everything up to the end, however it comes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = soon("the end", self.stream.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// The initial response of PLAIN.
pub(crate) fn plain(user: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}

/// The line that says how a command ended; empty if the connection did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    protocol: Protocol,
    pub(crate) line: String,
}

impl Reply {
    /// Whether it is a yes.
    pub(crate) fn is_yes(&self) -> bool {
        match self.protocol {
            Protocol::Imap => self.line.starts_with("a OK "),
            Protocol::Pop3 => self.line.starts_with("+OK"),
            Protocol::Smtp => self.line.starts_with('2'),
        }
    }

    /// Which refusal it is: the code says the class, the sentence tells classes with one code apart.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let tag = if self.protocol == Protocol::Imap { "a " } else { "" };
        let is = |refusal: &Refusal| {
            let beginning = format!("{tag}{} {}", refusal.code(self.protocol), refusal.sentence());
            self.line.starts_with(&beginning)
        };
        Refusal::ALL.into_iter().find(is)
    }
}
