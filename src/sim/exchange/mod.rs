//! Exchange Online: IMAP, POP3 and SMTP submission, open to XOAUTH2 only.

mod admission;
mod connection;
mod imap;
mod login;
mod offer;
mod pop3;
mod refusal;
mod smtp;
mod stream;
mod xoauth2;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio::sync::watch;

use self::connection::{Connection, Ended, Flow};
pub use self::login::{AfterLogin, HandedOver};
pub use self::offer::Announced;
pub use self::refusal::{ImapRefusal, Pop3Refusal, Refusals};
pub use self::smtp::{SendingPosition, SendingRefusal, SentMessage, SmtpRefusal};
pub use self::stream::Stream;
use super::World;
use super::certificates::Authority;
use super::faults::{Faults, Moment, Protocol};
use super::knob::Knob;
use super::record::{Counts, Records, SessionRecord};
use super::tls::{Tls, TlsSettings};

/// The server that names itself in greetings and replies.
const HOST: &str = "SIM1P264CA0001.SIMP264.PROD.OUTLOOK.COM";

/// Which years' greetings and capabilities are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generation {
    /// 2015 to 2025: `AUTH=PLAIN` beside `AUTH=XOAUTH2`; a password gets `NO LOGIN failed.`
    Until2025,
    /// 2026: `LOGINDISABLED`; a password gets `NO Basic authentication is disabled.` and `BYE`.
    #[default]
    Since2026,
}

/// What the STARTTLS ports do about STARTTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTls {
    /// Whether it is announced.
    pub announced: bool,
    /// This reply instead of the right one (behind the tag in IMAP); no handshake follows it.
    pub reply: Option<String>,
    /// Bytes in clear before the right reply, in the same segment.
    pub before: Vec<u8>,
    /// Bytes in clear behind the right reply, in the same segment.
    pub behind: Vec<u8>,
}

impl Default for StartTls {
    fn default() -> Self {
        Self {
            announced: true,
            reply: None,
            before: Vec::new(),
            behind: Vec::new(),
        }
    }
}

/// How a port begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    ImplicitTls,
    StartTls,
}

/// Exchange's knobs and records.
pub struct Exchange {
    /// Planned faults.
    pub faults: Faults,
    /// Greeting and capabilities.
    pub generation: Knob<Generation>,
    /// This greeting line instead of the usual one, such as a `* PREAUTH …`.
    pub greeting: Knob<Option<String>>,
    /// STARTTLS.
    pub start_tls: Knob<StartTls>,
    /// Refusals of every mailbox.
    pub refusals: Knob<Refusals>,
    /// OAUTHBEARER is offered too, as other providers do.
    pub oauth_bearer: Knob<bool>,
    /// So many JSON error challenges come before a refusal, as Gmail sends one. Exchange sends none.
    pub error_challenges: Knob<u32>,
    /// How long a refused SMTP login waits for its 535; Exchange takes 5 s.
    pub tarpit: Knob<Duration>,
    /// Whether an IMAP session ends when its token does, as Exchange's do.
    pub sessions_end_with_token: Knob<bool>,
    /// POP3 answers a longer base64 line with a protocol error, as has been seen with tokens above 4,096 characters.
    pub pop3_longest_token: Knob<Option<usize>>,
    /// SMTP sessions of one mailbox that may send at a time; a further one is told 432.
    pub submissions_at_once: Knob<Option<usize>>,
    /// Whether sent messages are stored; without it a load run needs no memory for them.
    pub keeps_messages: Knob<bool>,
    /// Whether the `user=` of a login may be an alias; that it always may is not settled.
    pub takes_aliases: Knob<bool>,
    /// What follows a good login.
    pub after_login: Knob<AfterLogin>,
    announced: [Knob<Announced>; 3],
    records: Arc<Records>,
    sent: Knob<Vec<SentMessage>>,
    tls: Tls,
    invalidated: watch::Sender<u64>,
}

impl Exchange {
    pub(super) fn new(authority: Arc<Authority>, tls: TlsSettings) -> io::Result<Self> {
        Ok(Self {
            faults: Faults::default(),
            generation: Knob::default(),
            greeting: Knob::default(),
            start_tls: Knob::default(),
            refusals: Knob::default(),
            oauth_bearer: Knob::default(),
            error_challenges: Knob::default(),
            tarpit: Knob::default(),
            sessions_end_with_token: Knob::new(true),
            pop3_longest_token: Knob::default(),
            submissions_at_once: Knob::new(Some(3)),
            keeps_messages: Knob::new(true),
            takes_aliases: Knob::new(true),
            after_login: Knob::default(),
            announced: std::array::from_fn(|_| Knob::default()),
            records: Arc::new(Records::new()),
            sent: Knob::default(),
            tls: Tls::new(authority, tls)?,
            invalidated: watch::Sender::new(0),
        })
    }

    /// What is announced on a protocol instead of the usual.
    pub fn announced(&self, protocol: Protocol) -> &Knob<Announced> {
        let [imap, pop3, smtp] = &self.announced;
        match protocol {
            Protocol::Imap => imap,
            Protocol::Pop3 => pop3,
            Protocol::Smtp => smtp,
        }
    }

    /// Changes TLS for the next handshakes; tickets given out before are worthless then.
    pub fn set_tls(&self, settings: TlsSettings) -> io::Result<()> {
        self.tls.set(settings)
    }

    /// The TLS settings in use.
    pub fn tls(&self) -> TlsSettings {
        self.tls.settings()
    }

    /// Every session so far, oldest first (the last 20,000).
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.records.sessions()
    }

    /// Counters over all sessions.
    pub fn counts(&self) -> Counts {
        self.records.counts()
    }

    /// Waits until `condition` holds for the counters and records.
    pub async fn until(&self, mut condition: impl FnMut(Counts, &[SessionRecord]) -> bool) {
        let mut changes = self.records.changes();
        loop {
            changes.mark_unchanged();
            if condition(self.counts(), &self.sessions()) {
                return;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Every message that was sent, oldest first.
    pub fn sent(&self) -> Vec<SentMessage> {
        self.sent.get()
    }

    fn note_sent(&self, message: SentMessage) {
        self.sent.change(|sent| sent.push(message));
        self.records.touch();
    }

    /// Waits until `condition` holds for the counters, which is cheap under load.
    pub async fn until_counts(&self, mut condition: impl FnMut(Counts) -> bool) {
        let mut changes = self.records.changes();
        loop {
            changes.mark_unchanged();
            if condition(self.counts()) {
                return;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Ends every IMAP session as Exchange does when the access token runs out.
    pub fn invalidate_sessions(&self) {
        self.invalidated.send_modify(|count| *count += 1);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(world: Arc<World>, protocol: Protocol, entrance: Entrance, tcp: TcpStream) {
    let mut connection = Connection::new(world, protocol, tcp);
    let end = match converse(&mut connection, entrance).await {
        Ok(()) => Ended::Closed,
        Err(end) => end,
    };
    connection.close(end).await;
}

async fn converse(connection: &mut Connection, entrance: Entrance) -> Flow {
    connection.at(Moment::Accept).await?;
    if entrance == Entrance::ImplicitTls {
        connection.start_tls().await?;
    }
    connection.at(Moment::Greeting).await?;
    match connection.protocol {
        Protocol::Imap => imap::converse(connection).await,
        Protocol::Pop3 => pop3::converse(connection).await,
        Protocol::Smtp => smtp::converse(connection).await,
    }
}

/// The name of the server as the greetings of IMAP and POP3 carry it: base64 of UTF-16LE.
fn host_in_greeting() -> String {
    STANDARD.encode(
        HOST.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
    )
}
