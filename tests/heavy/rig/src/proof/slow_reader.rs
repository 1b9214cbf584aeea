//! Somebody reads slowly while much is offered.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::mail::MailClient;
use crate::stage::{Plan, Stage};
use crate::verdict::{Verdict, percentile};

/// What is offered to each reader.
const OFFERED: u64 = 1 << 30;

/// A reader takes so much each second.
const SIP: usize = 1024;

/// The kernel's own buffers fill first; after that nothing moves any more.
const SETTLING: Duration = Duration::from_secs(10);

/// How long the stalled pairs are watched.
const WATCHED: Duration = Duration::from_secs(20);

/// KiB of resident memory for each pair, all of its session included.
const RESIDENT: f64 = 128.0;

/// Milliseconds of processor time in a second for all pairs together.
const CPU: f64 = 10.0;

/// How much longer a session beside the stalled ones may take than without them. They cost nothing; a machine with
/// two processors is not steadier than that.
const SLOWER: f64 = 1.5;

/// Sessions beside the stalled ones, and the bytes each way in them.
const NEIGHBOURS: usize = 60;
const NEIGHBOUR_BYTES: u64 = 2_000_000;

/// So many pairs in each direction.
pub async fn prove(verdict: &mut Verdict, pairs: u64) -> io::Result<()> {
    for direction in [Direction::Download, Direction::Upload] {
        measure(verdict, direction, pairs).await?;
    }
    Ok(())
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Direction {
    /// Upstream offers, the mail client is slow.
    Download,
    /// The mail client offers, upstream is slow.
    Upload,
}

async fn measure(verdict: &mut Verdict, direction: Direction, pairs: u64) -> io::Result<()> {
    let name = if direction == Direction::Download {
        "slow mail client"
    } else {
        "slow upstream"
    };
    let stage = Arc::new(
        Stage::set(Plan {
            simulator: &["--raw"],
            downstream_tls: false,
        })
        .await?,
    );
    let process = stage.saslgate.process;
    neighbour(&stage).await?;
    let base = process.resident_kib()?;
    let mut stalled = JoinSet::new();
    for number in 0..pairs as usize {
        let mail_client = open(&stage, direction, number).await?;
        stalled.spawn(async move { stall(mail_client, direction).await });
    }
    sleep(SETTLING).await;
    let cpu = process.cpu()?;
    sleep(WATCHED).await;
    let cpu = (process.cpu()? - cpu).as_secs_f64() * 1e3 / WATCHED.as_secs_f64();
    let each = (process.resident_kib()? - base) / pairs as f64;
    let beside = neighbours(&stage).await?;
    // One that has ended has failed: a GiB at that speed takes twelve days.
    if let Some(ended) = stalled.try_join_next() {
        ended.map_err(io::Error::other)??;
    }
    stalled.shutdown().await;
    let alone = neighbours(&stage).await?;
    verdict.at_most(
        &format!("{name}, {pairs} pairs: resident per pair"),
        each,
        RESIDENT,
        "KiB",
    );
    verdict.at_most(
        &format!("{name}, {pairs} pairs: processor time of all"),
        cpu,
        CPU,
        "ms/s",
    );
    let slower = beside / alone;
    verdict.at_most(
        &format!("{name}, {pairs} pairs: a session beside them takes"),
        slower,
        SLOWER,
        "times as long",
    );
    Ok(())
}

async fn open(stage: &Stage, direction: Direction, number: usize) -> io::Result<MailClient> {
    let wish = match direction {
        Direction::Download => format!("RAW give={OFFERED} take=0\r\n"),
        Direction::Upload => format!("RAW give=0 take={OFFERED} slow\r\n"),
    };
    let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
    mail_client
        .log_in("imap", stage.account(number), wish.as_bytes())
        .await?;
    Ok(mail_client)
}

async fn stall(mail_client: MailClient, direction: Direction) -> io::Result<()> {
    let (mut reads, mut writes, _socket, _) = mail_client.into_halves();
    if direction == Direction::Upload {
        let block = vec![b'x'; 64 * 1024];
        loop {
            writes.write_all(&block).await?;
        }
    }
    let mut sip = [0; SIP];
    loop {
        sleep(Duration::from_secs(1)).await;
        if reads.read(&mut sip).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The median of how long a session beside takes, in seconds, one after the other.
async fn neighbours(stage: &Stage) -> io::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..NEIGHBOURS {
        let start = Instant::now();
        neighbour(stage).await?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(percentile(&times, 0.5))
}

/// A login with some bytes each way behind it.
async fn neighbour(stage: &Stage) -> io::Result<()> {
    let wish = format!("RAW give={NEIGHBOUR_BYTES} take={NEIGHBOUR_BYTES}\r\n");
    let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
    mail_client
        .log_in("imap", stage.account(0), wish.as_bytes())
        .await?;
    let (mut reads, mut writes, _socket, _) = mail_client.into_halves();
    let block = vec![b'x'; NEIGHBOUR_BYTES as usize];
    let send = async {
        writes.write_all(&block).await?;
        writes.shutdown().await
    };
    let mut received = Vec::new();
    let (sent, read) = tokio::join!(send, reads.read_to_end(&mut received));
    sent?;
    read?;
    Ok(())
}
