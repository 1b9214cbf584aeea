//! A mail client: lines in, lines out, and the login of each protocol.

use std::io;
use std::net::{Shutdown, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;

use crate::stage::Saslgate;
use crate::tls;

/// Bytes of either kind of connection.
pub trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// One connection of a mail client.
pub struct MailClient {
    stream: Box<dyn Bytes>,
    /// The socket below, for ends without `close_notify`.
    socket: Option<std::net::TcpStream>,
    received: Vec<u8>,
    taken: usize,
}

impl MailClient {
    /// Connects to saslgate and reads nothing yet.
    pub async fn connect(saslgate: &Saslgate, protocol: &str) -> io::Result<Self> {
        let tcp = saslgate.connect(protocol).await?;
        let tcp = tcp.into_std()?;
        let socket = tcp.try_clone()?;
        let tcp = TcpStream::from_std(tcp)?;
        let stream: Box<dyn Bytes> = match saslgate.connector() {
            Some(connector) => Box::new(tls::secure(connector, tcp).await?),
            None => Box::new(tcp),
        };
        Ok(Self {
            stream,
            socket: Some(socket),
            received: Vec::new(),
            taken: 0,
        })
    }

    /// Connects to whoever listens there in clear.
    pub async fn plain(address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        Ok(Self::over(Box::new(tcp)))
    }

    /// Over a connection that somebody else made.
    pub fn over(stream: Box<dyn Bytes>) -> Self {
        Self {
            stream,
            socket: None,
            received: Vec::new(),
            taken: 0,
        }
    }

    /// The next line without its CRLF.
    pub async fn line(&mut self) -> io::Result<String> {
        loop {
            let unread = &self.received[self.taken..];
            if let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&unread[..end]).trim_end().to_owned();
                self.taken += end + 1;
                if self.taken == self.received.len() {
                    self.received.clear();
                    self.taken = 0;
                }
                return Ok(line);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads lines up to one that starts like that.
    pub async fn until(&mut self, start: &str) -> io::Result<String> {
        loop {
            let line = self.line().await?;
            if line.starts_with(start) {
                return Ok(line);
            }
            let refused = ["a1 NO", "a1 BAD", "-ERR", "4", "5"];
            if refused.iter().any(|word| line.starts_with(word)) {
                return Err(io::Error::other(format!("waited for {start}, got {line}")));
            }
        }
    }

    /// Reads away that many bytes.
    pub async fn skip(&mut self, count: usize) -> io::Result<()> {
        let mut left = count;
        let at_hand = left.min(self.received.len() - self.taken);
        self.taken += at_hand;
        left -= at_hand;
        let mut buffer = vec![0; left.min(64 * 1024)];
        while left > 0 {
            let most = left.min(buffer.len());
            let read = self.stream.read(&mut buffer[..most]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= read;
        }
        Ok(())
    }

    /// Sends bytes at once.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a command and reads up to the line that starts like that.
    pub async fn ask(&mut self, command: &str, answer: &str) -> io::Result<String> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.until(answer).await
    }

    /// Logs in, and sends more in the segment of the last command of the login.
    pub async fn log_in(
        &mut self,
        protocol: &str,
        (user, password): (&str, &str),
        more: &[u8],
    ) -> io::Result<()> {
        let (greeting, first, last, yes) = match protocol {
            "imap" => ("* OK", None, format!("a1 LOGIN {user} \"{password}\""), "a1 OK"),
            "pop3" => (
                "+OK",
                Some((format!("USER {user}"), "+OK")),
                format!("PASS {password}"),
                "+OK",
            ),
            _ => {
                let plain = base64(format!("\0{user}\0{password}").as_bytes());
                let hello = ("EHLO old.example".to_owned(), "250 ");
                ("220", Some(hello), format!("AUTH PLAIN {plain}"), "235")
            }
        };
        self.until(greeting).await?;
        if let Some((command, answer)) = first {
            self.ask(&command, answer).await?;
        }
        self.send(&[format!("{last}\r\n").as_bytes(), more].concat())
            .await?;
        self.until(yes).await?;
        Ok(())
    }

    /// Both directions for themselves, and the socket below.
    pub fn into_halves(
        self,
    ) -> (
        ReadHalf<Box<dyn Bytes>>,
        WriteHalf<Box<dyn Bytes>>,
        Below,
        Vec<u8>,
    ) {
        let unread = self.received[self.taken..].to_vec();
        let (reads, writes) = split(self.stream);
        (reads, writes, Below(self.socket), unread)
    }
}

/// The socket below a connection.
pub struct Below(Option<std::net::TcpStream>);

impl Below {
    /// Ends our direction without `close_notify`.
    pub fn cut(&self) -> io::Result<()> {
        self.0
            .as_ref()
            .map_or(Ok(()), |socket| socket.shutdown(Shutdown::Write))
    }
}

/// RFC 4648 4.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() {
                char::from(symbol)
            } else {
                '='
            });
        }
    }
    text
}
