//! One connection to one peer, plain or TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::CHUNK;

/// A TLS record that we send, in bytes. rustls makes a buffer for each: of 8 KiB and less, mimalloc gives the same few out again
/// and again, which stay in the processor's cache; with records of 16 KiB, copying into cold ones was a third of what relaying
/// costs (perf).
pub const RECORD: usize = 8 * 1024 - 32;

/// How long a peer may take to read our last words before the socket goes. Closing at once with unread input would
/// send a reset, which throws our last words away at the other end (RFC 1122 4.2.2.13).
const LAST_WORDS: Duration = Duration::from_millis(500);

/// When a quiet connection is probed: below the four minutes after which home routers, firewalls and cloud load balancers
/// forget it without a word.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(90);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_TRIES: u32 = 4;

/// How long sent data may stay unacknowledged before a connection counts as gone: the kernel's own limit is a quarter of
/// an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// What the kernel keeps unsent for a peer that does not read, in bytes. It would keep 4 MiB (`net.ipv4.tcp_wmem`), and of 200
/// such sessions all TCP of the machine ran out of memory: sessions beside them took fourteen times as long.
const UNSENT: u32 = 1024 * 1024;

/// How often it is looked whether a peer has hung up whose bytes wait to be read: nothing tells of an end behind them.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How TLS starts on a link.
#[derive(Clone)]
pub enum Upgrade {
    /// We are the server.
    Accept(TlsAcceptor),
    /// We are the client, and that name must be in the certificate.
    Connect(TlsConnector, ServerName<'static>),
}

/// Options of every connection, toward either side: replies leave at once, and a peer that vanished is noticed. None of
/// them is worth losing the connection for.
pub fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

/// A connection to one peer.
pub struct Link(Stream);

enum Stream {
    Plain(TcpStream),
    // Boxed: the state of a TLS connection is more than 1 KiB, and most of a session's life it only waits.
    Tls(Box<TlsStream<TcpStream>>),
    // While a handshake runs, and after one that failed.
    Gone,
}

impl Link {
    /// A connection without TLS so far.
    pub fn plain(stream: TcpStream) -> Self {
        Self(Stream::Plain(stream))
    }

    /// Starts TLS. After a failure the link is gone.
    pub async fn start_tls(&mut self, upgrade: &Upgrade) -> io::Result<()> {
        let Stream::Plain(stream) = std::mem::replace(&mut self.0, Stream::Gone) else {
            return Err(gone());
        };
        let tls = match upgrade {
            Upgrade::Accept(acceptor) => TlsStream::Server(acceptor.accept(stream).await?),
            Upgrade::Connect(connector, name) => {
                TlsStream::Client(connector.connect(name.clone(), stream).await?)
            }
        };
        self.0 = Stream::Tls(Box::new(tls));
        Ok(())
    }

    /// Whether this is TLS 1.2, where a `close_notify` makes the peer drop what it still has to say (RFC 5246 7.2.1).
    pub fn is_tls12(&self) -> bool {
        let Stream::Tls(tls) = &self.0 else { return false };
        tls.get_ref().1.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2)
    }

    /// Which version of TLS is spoken, and the certificate that the other side has shown. None where there is no TLS.
    pub fn security(&self) -> Option<(&'static str, &CertificateDer<'static>)> {
        let Stream::Tls(tls) = &self.0 else { return None };
        let connection = tls.get_ref().1;
        let version = match connection.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
            _ => "TLS 1.3",
        };
        Some((version, connection.peer_certificates()?.first()?))
    }

    /// The name that the mail client asked for in its hello (SNI, RFC 6066 3), where we are the server of the TLS.
    pub fn asked_for(&self) -> Option<&str> {
        match &self.0 {
            Stream::Tls(tls) => match &**tls {
                TlsStream::Server(server) => server.get_ref().1.server_name(),
                TlsStream::Client(_) => None,
            },
            Stream::Plain(_) | Stream::Gone => None,
        }
    }

    /// Reads what is there; 0 means that the peer will send nothing more.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Stream::Plain(stream) => stream.read(buffer).await,
            Stream::Tls(stream) => stream.read(buffer).await.or_else(cut_is_an_end),
            Stream::Gone => Err(gone()),
        }
    }

    /// Writes all of it and flushes: bytes left in a TLS buffer would wait for ever.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Stream::Gone => Err(gone()),
        }
    }

    /// Comes when the peer will send nothing more. What it has sent before stays unread.
    pub async fn hung_up(&self) {
        let stream = match &self.0 {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
            Stream::Gone => return,
        };
        while let Ok(ready) = stream.ready(Interest::READABLE).await
            && !ready.is_read_closed()
        {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Closes so that the peer can still read what we said last, within half a second.
    pub async fn close(mut self) {
        let _ = timeout(LAST_WORDS, self.finish()).await;
    }

    async fn finish(&mut self) -> io::Result<()> {
        // One that is finished already can't be finished again, and its peer has yet to end.
        let _ = std::future::poll_fn(|cx| self.poll_finish(cx, Finish::Clean)).await;
        let mut ignored = [0; CHUNK];
        while self.read(&mut ignored).await? > 0 {}
        Ok(())
    }

    /// Bytes that the peer sent, lent for as long as nothing else happens: decrypted bytes stay in the TLS buffer,
    /// plain ones are read into `scratch`. Empty means that the peer will send nothing more.
    pub fn poll_fill<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
        scratch: &'a mut [u8],
    ) -> Poll<io::Result<Filled<'a>>> {
        match &mut self.0 {
            Stream::Plain(stream) => poll_plain(stream, cx, scratch).map_ok(Filled::Taken),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_fill_buf(cx).map_ok(Filled::Lent),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }

    /// Gives lent bytes back that were used up.
    pub fn consume(&mut self, count: usize) {
        if let Stream::Tls(stream) = &mut self.0 {
            Pin::new(&mut **stream).consume(count);
        }
    }

    /// Writes some of the bytes.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }

    /// Sends what TLS still holds.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }

    /// Says that we will send nothing more.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>, how: Finish) -> Poll<io::Result<()>> {
        match (&mut self.0, how) {
            (Stream::Plain(stream), _) => Pin::new(stream).poll_shutdown(cx),
            (Stream::Tls(stream), Finish::Clean) => Pin::new(&mut **stream).poll_shutdown(cx),
            (Stream::Tls(stream), Finish::Cut) => Pin::new(stream.get_mut().0).poll_shutdown(cx),
            (Stream::Gone, _) => Poll::Ready(Ok(())),
        }
    }
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Finish {
    /// With `close_notify`, where there is TLS.
    Clean,
    /// Without: the other side's end came without it, and ours must not look more complete than it was.
    Cut,
}

/// Where received bytes are.
pub enum Filled<'a> {
    /// In the caller's scratch space: what is not used up at once has to be kept.
    Taken(&'a [u8]),
    /// In the TLS buffer: [`Link::consume`] what is used up, the rest stays.
    Lent(&'a [u8]),
}

fn poll_plain<'a>(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    scratch: &'a mut [u8],
) -> Poll<io::Result<&'a [u8]>> {
    let mut buffer = tokio::io::ReadBuf::new(scratch);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    let count = buffer.filled().len();
    Poll::Ready(Ok(&scratch[..count]))
}

/// Old mail software just drops the connection; before a login that says nothing else than a `close_notify` would.
fn cut_is_an_end(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Ok(0)
    } else {
        Err(error)
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "TLS was not established")
}
