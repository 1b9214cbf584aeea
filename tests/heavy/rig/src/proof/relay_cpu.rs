//! What moving mail costs the proxy.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::mail::MailClient;
use crate::stage::{Plan, Stage};
use crate::verdict::Verdict;

/// Connections at one time.
const CONNECTIONS: u64 = 4;

/// Bytes of one message.
const MESSAGE: usize = 32 << 20;

/// Seconds of processor time per GB (10^9 bytes).
const BAR: f64 = 0.40;

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
        let mut stage = Arc::new(Stage::set(plan).await?);
        fill(&stage).await?;
        for direction in [Direction::Download, Direction::Upload] {
            stage = measure(verdict, stage, direction, messages).await?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Direction {
    /// IMAP FETCH.
    Download,
    /// SMTP DATA.
    Upload,
}

async fn measure(
    verdict: &mut Verdict,
    stage: Arc<Stage>,
    direction: Direction,
    messages: u64,
) -> io::Result<Arc<Stage>> {
    let mut opened = Vec::new();
    for number in 0..CONNECTIONS {
        opened.push(open(&stage, direction, number as usize).await?);
    }
    let block: Arc<[u8]> = block().into();
    let (cpu, start) = (stage.saslgate.process.cpu()?, Instant::now());
    let mut running = JoinSet::new();
    for (mail_client, user) in opened {
        let block = Arc::clone(&block);
        running.spawn(async move { run(mail_client, &user, direction, messages, &block).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = (stage.saslgate.process.cpu()? - cpu).as_secs_f64();
    let gigabytes = (messages * CONNECTIONS * MESSAGE as u64) as f64 / 1e9;
    let name = match direction {
        Direction::Download => "download, IMAP FETCH",
        Direction::Upload => "upload, SMTP DATA",
    };
    let per_gigabyte = cpu / gigabytes;
    if stage.saslgate.connector().is_some() {
        verdict.report(
            &format!("{name}, TLS on both sides: processor time"),
            per_gigabyte,
            "s/GB",
        );
    } else {
        verdict.at_most(&format!("{name}: processor time"), per_gigabyte, BAR, "s/GB");
        verdict.report(&format!("{name}: throughput"), gigabytes * 1e3 / elapsed, "MB/s");
    }
    Ok(stage)
}

async fn open(stage: &Stage, direction: Direction, number: usize) -> io::Result<(MailClient, String)> {
    let protocol = match direction {
        Direction::Download => "imap",
        Direction::Upload => "smtp",
    };
    let account = stage.account(number);
    let mut mail_client = MailClient::connect(&stage.saslgate, protocol).await?;
    mail_client.log_in(protocol, account, b"").await?;
    if protocol == "imap" {
        mail_client.ask("a2 SELECT Drafts", "a2 OK").await?;
    }
    Ok((mail_client, account.0.to_owned()))
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
            Direction::Download => {
                mail_client.ask("a3 FETCH 1 BODY.PEEK[]", "* 1 FETCH").await?;
                mail_client.skip(MESSAGE).await?;
                mail_client.until("a3 OK").await?;
            }
            Direction::Upload => {
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
        mail_client
            .send(format!("a2 APPEND Drafts {{{MESSAGE}+}}\r\n").as_bytes())
            .await?;
        for _ in 0..MESSAGE / BLOCK {
            mail_client.send(&block).await?;
        }
        mail_client.ask("", "a2 OK").await?;
        mail_client.ask("a3 LOGOUT", "a3 OK").await?;
    }
    Ok(())
}

/// Lines of 510 bytes and their CRLF, without a dot in front.
fn block() -> Vec<u8> {
    let mut line = vec![b'x'; 510];
    line.extend_from_slice(b"\r\n");
    line.repeat(BLOCK / line.len())
}
