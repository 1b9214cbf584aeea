//! What moving mail costs the proxy.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::direct;
use crate::mail::MailClient;
use crate::process::Process;
use crate::stage::{Plan, Stage};
use crate::verdict::{Bar, Verdict};

/// Connections at one time.
const CONNECTIONS: u64 = 4;

/// Bytes of one message.
const MESSAGE: usize = 32 << 20;

/// Seconds of processor time per GB (10^9 bytes).
const DOWNLOAD: Bar = Bar {
    most: 0.40,
    floor: 0.394,
};
const UPLOAD: Bar = Bar {
    most: 0.40,
    floor: 0.400,
};

/// What is sent at once.
const BLOCK: usize = 1 << 20;

/// So many GiB each way.
pub async fn prove(verdict: &mut Verdict, gibibytes: u64) -> io::Result<()> {
    let messages = (gibibytes << 30) / MESSAGE as u64 / CONNECTIONS;
    for downstream_tls in [false, true] {
        let plan = Plan {
            simulator: &["--forget-mail", "--x25519-only"],
            downstream_tls,
        };
        let stage = Stage::set(plan).await?;
        fill(&stage).await?;
        if downstream_tls {
            both_sides(verdict, &stage, messages).await?;
        } else {
            one_side(verdict, &stage, messages).await?;
        }
    }
    Ok(())
}

async fn one_side(verdict: &mut Verdict, stage: &Stage, messages: u64) -> io::Result<()> {
    let relay = Beside::floor(&stage.simulator)?;
    let floor = (
        through(verdict, stage, &relay, Direction::Fetch, messages).await?,
        through(verdict, stage, &relay, Direction::Append, messages).await?,
    );
    if let Some(relay) = Beside::haproxy(&stage.simulator).await? {
        for direction in [Direction::Fetch, Direction::Append] {
            // Debian 12's ends itself now and then under this load ("about to kill the process").
            if let Err(error) = through(verdict, stage, &relay, direction, messages).await {
                println!("      {}: haproxy gave up: {error}", direction.name());
            }
        }
    }
    let cost = with_saslgate(verdict, stage, Direction::Fetch, messages).await?;
    verdict.at_most_beside(
        "download, IMAP FETCH: processor time",
        cost,
        DOWNLOAD,
        floor.0,
        "s/GB",
    );
    let cost = with_saslgate(verdict, stage, Direction::Append, messages).await?;
    verdict.at_most_beside(
        "upload, IMAP APPEND: processor time",
        cost,
        UPLOAD,
        floor.1,
        "s/GB",
    );
    let cost = with_saslgate(verdict, stage, Direction::Data, messages).await?;
    verdict.at_most_beside("upload, SMTP DATA: processor time", cost, UPLOAD, floor.1, "s/GB");
    Ok(())
}

async fn both_sides(verdict: &Verdict, stage: &Stage, messages: u64) -> io::Result<()> {
    for direction in [Direction::Fetch, Direction::Data] {
        let cost = with_saslgate(verdict, stage, direction, messages).await?;
        let name = direction.name();
        verdict.report(
            &format!("{name}, TLS on both sides: processor time"),
            cost,
            "s/GB",
        );
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Direction {
    /// Download, IMAP FETCH.
    Fetch,
    /// Upload, SMTP DATA.
    Data,
    /// Upload, IMAP APPEND.
    Append,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Fetch => "download, IMAP FETCH",
            Self::Data => "upload, SMTP DATA",
            Self::Append => "upload, IMAP APPEND",
        }
    }

    fn protocol(self) -> &'static str {
        match self {
            Self::Fetch | Self::Append => "imap",
            Self::Data => "smtp",
        }
    }
}

/// Seconds of processor time per GB of a relay that does no protocol work.
async fn through(
    verdict: &Verdict,
    stage: &Stage,
    relay: &Beside,
    direction: Direction,
    messages: u64,
) -> io::Result<f64> {
    let token = direct::token(stage).await?;
    let mut opened = Vec::new();
    for number in 0..CONNECTIONS as usize {
        let user = stage.account(number).0;
        opened.push((
            direct::log_in_through(relay.address, user, &token).await?,
            user.to_owned(),
        ));
    }
    let cost = measure(verdict, opened, relay.process, direction, messages).await?;
    let name = direction.name();
    verdict.report(&format!("{name}: {}, processor time", relay.name), cost, "s/GB");
    Ok(cost)
}

/// Seconds of processor time per GB of saslgate.
async fn with_saslgate(
    verdict: &Verdict,
    stage: &Stage,
    direction: Direction,
    messages: u64,
) -> io::Result<f64> {
    let mut opened = Vec::new();
    for number in 0..CONNECTIONS as usize {
        let account = stage.account(number);
        let mut mail_client = MailClient::connect(&stage.saslgate, direction.protocol()).await?;
        mail_client.log_in(direction.protocol(), account, b"").await?;
        opened.push((mail_client, account.0.to_owned()));
    }
    measure(verdict, opened, stage.saslgate.process, direction, messages).await
}

async fn measure(
    verdict: &Verdict,
    mut opened: Vec<(MailClient, String)>,
    process: Process,
    direction: Direction,
    messages: u64,
) -> io::Result<f64> {
    if direction.protocol() == "imap" {
        for (mail_client, _) in &mut opened {
            mail_client.ask("a2 SELECT Drafts", "a2 OK").await?;
        }
    }
    let block: Arc<[u8]> = block().into();
    let (cpu, start) = (process.cpu()?, Instant::now());
    let mut running = JoinSet::new();
    for (mail_client, user) in opened {
        let block = Arc::clone(&block);
        running.spawn(async move { run(mail_client, &user, direction, messages, &block).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    let gigabytes = (messages * CONNECTIONS * MESSAGE as u64) as f64 / 1e9;
    verdict.report(
        &format!("{}: throughput", direction.name()),
        gigabytes * 1e3 / elapsed,
        "MB/s",
    );
    Ok(cpu / gigabytes)
}

async fn run(
    mut mail_client: MailClient,
    user: &str,
    direction: Direction,
    messages: u64,
    block: &[u8],
) -> io::Result<()> {
    for _ in 0..messages {
        match direction {
            Direction::Fetch => {
                mail_client.ask("a3 FETCH 1 BODY.PEEK[]", "* 1 FETCH").await?;
                mail_client.skip(MESSAGE).await?;
                mail_client.until("a3 OK").await?;
            }
            Direction::Append => append(&mut mail_client, block).await?,
            Direction::Data => {
                mail_client
                    .ask(&format!("MAIL FROM:<{user}> SIZE={MESSAGE}"), "250")
                    .await?;
                mail_client.ask(&format!("RCPT TO:<{user}>"), "250").await?;
                mail_client.ask("DATA", "354").await?;
                for _ in 0..MESSAGE / BLOCK {
                    mail_client.send(block).await?;
                }
                mail_client.ask(".", "250").await?;
            }
        }
    }
    Ok(())
}

/// One large message in each mailbox.
async fn fill(stage: &Stage) -> io::Result<()> {
    let block = block();
    for account in 0..3 {
        let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
        mail_client.log_in("imap", stage.account(account), b"").await?;
        append(&mut mail_client, &block).await?;
        mail_client.ask("a3 LOGOUT", "a3 OK").await?;
    }
    Ok(())
}

async fn append(mail_client: &mut MailClient, block: &[u8]) -> io::Result<()> {
    let command = format!("a2 APPEND Drafts {{{MESSAGE}+}}\r\n");
    mail_client.send(command.as_bytes()).await?;
    for _ in 0..MESSAGE / BLOCK {
        mail_client.send(block).await?;
    }
    mail_client.ask("", "a2 OK").await?;
    Ok(())
}

/// Lines of 510 bytes and their CRLF, without a dot in front.
fn block() -> Vec<u8> {
    let mut line = vec![b'x'; 510];
    line.extend_from_slice(b"\r\n");
    line.repeat(BLOCK / line.len())
}
