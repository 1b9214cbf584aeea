//! A link to one peer, plain or TLS, and `drive`: the one loop that moves bytes for every dialogue.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use zeroize::{Zeroize, Zeroizing};

use crate::wire::{Closing, Dialogue, Said, Step};

/// Bytes read at once before a login: lines are short, and what is not read stays in the kernel.
const CHUNK: usize = 4 * 1024;

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

/// Which way a dialogue faces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leg {
    /// Toward the mail client.
    Downstream,
    /// Toward the mail provider.
    Upstream,
}

/// Somebody who reads conversations along, masked.
pub trait Overhear: Send + Sync {
    /// Takes one line of one session.
    fn line(&self, session: &str, leg: Leg, said: Said);
}

/// A place where conversations can be read along; mostly nobody does.
#[derive(Clone, Default)]
pub struct Tap {
    ear: Option<(Arc<dyn Overhear>, Arc<str>)>,
}

impl Tap {
    /// A tap on one session.
    pub fn new(ear: Option<Arc<dyn Overhear>>, session: &str) -> Self {
        Self {
            ear: ear.map(|ear| (ear, session.into())),
        }
    }

    /// Whether somebody listens, and dialogues should keep their transcript.
    pub fn is_listening(&self) -> bool {
        self.ear.is_some()
    }

    /// Passes on masked lines of one leg.
    pub fn pass(&self, leg: Leg, lines: Vec<Said>) {
        if let Some((ear, session)) = &self.ear {
            for said in lines {
                ear.line(session, leg, said);
            }
        }
    }
}

/// How TLS starts on a link.
#[derive(Clone)]
pub enum Upgrade {
    /// We are the server.
    Accept(TlsAcceptor),
    /// We are the client, and that name must be in the certificate.
    Connect(TlsConnector, ServerName<'static>),
}

/// How long we go on waiting for one peer, in all: a peer that sends a byte now and then uses it up all the same.
#[derive(Debug)]
pub struct Patience {
    left: Duration,
}

/// The peer used up our patience.
#[derive(Debug)]
pub struct Impatient;

impl Patience {
    /// Patience for that long.
    pub fn new(left: Duration) -> Self {
        Self { left }
    }

    /// Waits for the peer to do something.
    pub async fn wait<F: Future>(&mut self, something: F) -> Result<F::Output, Impatient> {
        let start = Instant::now();
        let result = timeout(self.left, something).await;
        self.left = self.left.saturating_sub(start.elapsed());
        result.map_err(|_| Impatient)
    }
}

/// Why a dialogue came to its end without an event.
#[derive(Debug)]
pub enum Ended {
    /// The dialogue closed it.
    Closed(Closing),
    /// The peer took too long.
    Impatient,
    /// The link broke.
    Broken(io::Error),
    /// TLS could not be established.
    Tls(io::Error),
}

impl Ended {
    /// TLS was asked for where nobody set it up.
    pub fn tls_not_configured() -> Self {
        Self::Tls(io::Error::other("TLS is not configured"))
    }
}

impl From<Impatient> for Ended {
    fn from(_: Impatient) -> Self {
        Self::Impatient
    }
}

/// Moves bytes between a link and a dialogue until the dialogue asks something or ends.
pub async fn drive<D: Dialogue + ?Sized>(
    link: &mut Link,
    dialogue: &mut D,
    upgrade: Option<&Upgrade>,
    patience: &mut Patience,
    (tap, leg): (&Tap, Leg),
) -> Result<D::Event, Ended> {
    let mut chunk = [0; CHUNK];
    loop {
        let step = dialogue.step();
        if tap.is_listening() {
            tap.pass(leg, dialogue.overheard());
        }
        match step {
            Step::Write(bytes) => {
                // A token may be in it.
                let bytes = Zeroizing::new(bytes);
                patience.wait(link.write(&bytes)).await?.map_err(Ended::Broken)?;
            }
            Step::Read => match patience
                .wait(link.read(&mut chunk))
                .await?
                .map_err(Ended::Broken)?
            {
                0 => dialogue.peer_closed(),
                count => {
                    dialogue.receive(&chunk[..count]);
                    // Passwords come in by it. Wiping more than was read would cost as much as reading it.
                    chunk[..count].zeroize();
                }
            },
            Step::StartTls => {
                let upgrade = upgrade.ok_or_else(Ended::tls_not_configured)?;
                patience
                    .wait(link.start_tls(upgrade))
                    .await?
                    .map_err(Ended::Tls)?;
                dialogue.tls_established();
            }
            Step::Event(event) => return Ok(event),
            Step::Close(why) => return Err(Ended::Closed(why)),
        }
    }
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

    /// Whether TLS is up.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Stream::Tls(_))
    }

    /// Whether this is TLS 1.2, where a `close_notify` makes the peer drop what it still has to say (RFC 5246 7.2.1).
    pub fn is_tls12(&self) -> bool {
        let Stream::Tls(tls) = &self.0 else { return false };
        tls.get_ref().1.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2)
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

    /// Closes so that the peer can still read what we said last, within half a second.
    pub async fn close(mut self) {
        let _ = timeout(LAST_WORDS, self.finish()).await;
    }

    async fn finish(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_finish(cx, Finish::Clean)).await?;
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
