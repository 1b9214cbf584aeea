//! What the simulator does after a login when it was started with `--raw`: it gives and takes bytes, as one line asks
//! for it, and says how that went. So a proof about the relay decides what both ends of it do.
//!
//! The line is `RAW give=N take=N` and any of these words:
//! `stalls` (pauses now and then) · `slow` (takes 1 KiB a second) · `tail=end` (gives its last bytes after the mail
//! client's end) or `tail=taken` (after `take` bytes) · `cut` (ends without `close_notify`).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use socket2::SockRef;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, split,
};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::simulator::print;
use crate::sim::exchange::HandedOver;

/// The most that is given or taken at once.
const CHUNK: usize = 64 * 1024;

/// What is held back for the tail.
const TAIL: u64 = 100_000;

/// One pause of `stalls`, and after how many bytes there is one, on average.
const STALL: Duration = Duration::from_millis(20);
const STALL_EVERY: u64 = 16 << 20;

/// What `slow` takes at once, and how often.
const SIP: usize = 1024;
const SIP_EVERY: Duration = Duration::from_secs(1);

/// What a line asks for.
#[derive(Clone, Copy, Default)]
struct Wish {
    give: u64,
    take: u64,
    stalls: bool,
    slow: bool,
    tail: Tail,
    cut: bool,
}

/// When the last bytes are given.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Tail {
    #[default]
    AtOnce,
    AfterTheirEnd,
    AfterTaken,
}

/// How far taking has come.
#[derive(Clone, Copy, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Progress {
    #[default]
    Taking,
    Taken,
    Ended,
}

impl Wish {
    fn parse(line: &str) -> Option<Self> {
        let mut wish = Self::default();
        for word in line.strip_prefix("RAW ")?.split_whitespace() {
            match word.split_once('=') {
                Some(("give", count)) => wish.give = count.parse().ok()?,
                Some(("take", count)) => wish.take = count.parse().ok()?,
                Some(("tail", "end")) => wish.tail = Tail::AfterTheirEnd,
                Some(("tail", "taken")) => wish.tail = Tail::AfterTaken,
                None if word == "stalls" => wish.stalls = true,
                None if word == "slow" => wish.slow = true,
                None if word == "cut" => wish.cut = true,
                _ => return None,
            }
        }
        Some(wish)
    }
}

/// Serves every login, each in a task of its own.
pub(super) async fn play_all(mut logged_in: mpsc::Receiver<HandedOver>) {
    while let Some(connection) = logged_in.recv().await {
        tokio::spawn(async move {
            if let Err(error) = play(connection).await {
                // Nobody reads on: then nobody waits for the report either.
                let _ = print(&json!({ "raw": { "error": error.to_string() } }));
            }
        });
    }
}

async fn play(connection: HandedOver) -> io::Result<()> {
    let seed = connection.session;
    let socket = connection.stream.tcp().as_fd().try_clone_to_owned()?;
    let (reads, mut writes) = split(connection.stream);
    let unread = io::Cursor::new(connection.unread);
    let mut reads = BufReader::new(tokio::io::AsyncReadExt::chain(unread, reads));
    let wish = asked(&mut reads, &mut writes).await?;
    let (progress, seen) = watch::channel(Progress::Taking);
    let (gave, took) = tokio::join!(
        give(&mut writes, &wish, seen, &socket, Random(seed)),
        take(&mut reads, &wish, progress, Random(!seed))
    );
    let (took, count, end) = took;
    print(&json!({ "raw": {
        "gave": STANDARD.encode(gave?), "took": STANDARD.encode(took), "count": count, "end": end,
    } }))
}

/// Answers what a proxy asks right after a login, until the line comes that says what to do.
async fn asked(
    reads: &mut (impl AsyncBufReadExt + Unpin),
    writes: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Wish> {
    loop {
        let mut line = String::new();
        if reads.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let answer = match line.split_once(' ') {
            Some(("RAW", _)) => {
                return Wish::parse(line).ok_or_else(|| io::Error::other(format!("not understood: {line}")));
            }
            Some((tag, "CAPABILITY")) => format!("* CAPABILITY IMAP4rev1 NAMESPACE LITERAL+\r\n{tag} OK\r\n"),
            Some((tag, _)) => format!("{tag} OK\r\n"),
            None => "+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\nUSER\r\n.\r\n".to_owned(),
        };
        writes.write_all(answer.as_bytes()).await?;
        writes.flush().await?;
    }
}

/// Gives random bytes in random pieces, then ends.
async fn give(
    writes: &mut (impl AsyncWrite + Unpin),
    wish: &Wish,
    mut progress: watch::Receiver<Progress>,
    socket: &OwnedFd,
    mut random: Random,
) -> io::Result<Digest> {
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut left = wish.give;
    let due = match wish.tail {
        Tail::AtOnce => Progress::Taking,
        Tail::AfterTaken => Progress::Taken,
        Tail::AfterTheirEnd => Progress::Ended,
    };
    while left > 0 {
        if left <= TAIL {
            writes.flush().await?;
            // The taker lets go only after its end, which is as far as it gets.
            let _ = progress.wait_for(|now| *now >= due).await;
        }
        let above_tail = if left > TAIL { left - TAIL } else { left };
        let size = random.piece().min(usize::try_from(above_tail).unwrap_or(CHUNK));
        let piece = &mut buffer[..size];
        random.fill(piece);
        digest.update(piece);
        writes.write_all(piece).await?;
        left -= size as u64;
        if wish.stalls && random.next() % STALL_EVERY < size as u64 {
            sleep(STALL).await;
        }
    }
    writes.flush().await?;
    if wish.cut {
        SockRef::from(socket).shutdown(std::net::Shutdown::Write)?;
    } else {
        writes.shutdown().await?;
    }
    Ok(digest.finish())
}

/// Takes whatever comes until the end; how much that was, and how it ended.
async fn take(
    reads: &mut (impl AsyncRead + Unpin),
    wish: &Wish,
    progress: watch::Sender<Progress>,
    mut random: Random,
) -> (Digest, u64, String) {
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut count = 0;
    let end = loop {
        if wish.slow {
            sleep(SIP_EVERY).await;
        } else if wish.stalls && random.next() % STALL_EVERY < CHUNK as u64 {
            sleep(STALL).await;
        }
        let most = if wish.slow { SIP } else { CHUNK };
        match reads.read(&mut buffer[..most]).await {
            Ok(0) => break "clean".to_owned(),
            Ok(size) => {
                digest.update(&buffer[..size]);
                count += size as u64;
                if count >= wish.take {
                    progress.send_replace(Progress::Taken);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break "cut".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    progress.send_replace(Progress::Ended);
    (digest.finish(), count, end)
}

/// `SplitMix64`: bytes that a compressor, a cache or a lucky mistake can't get right.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }

    /// The size of the next piece: of every magnitude up to [`CHUNK`], so that records of all sizes come about.
    fn piece(&mut self) -> usize {
        let magnitude = 1 << (self.next() % 17);
        1 + usize::try_from(self.next() % magnitude).unwrap_or(0)
    }
}
