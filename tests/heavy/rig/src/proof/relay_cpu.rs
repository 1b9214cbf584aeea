//! What moving mail costs the proxy.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::direct;
use crate::mail::MailClient;
use crate::process::Process;
use crate::stage::{Plan, Stage};
use crate::verdict::{Bar, Verdict, percentile};

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
    let stage = filled(&["--forget-mail", "--x25519-only"], false).await?;
    one_side(verdict, &stage, messages).await?;
    drop(stage);
    let stage = filled(&["--forget-mail", "--x25519-only", "--rsa-chain"], false).await?;
    beside(verdict, &stage, "RSA chain of two", messages).await?;
    drop(stage);
    let stage = filled(&["--forget-mail", "--x25519-only"], true).await?;
    beside(verdict, &stage, "TLS on both sides", messages).await
}

/// A stage with a large message in each mailbox.
async fn filled(simulator: &'static [&'static str], downstream_tls: bool) -> io::Result<Stage> {
    let plan = Plan {
        simulator,
        downstream_tls,
    };
    let stage = Stage::set(plan).await?;
    fill(&stage).await?;
    Ok(stage)
}

/// Rounds, in which saslgate and the floor take turns: the median of each counts, because a shared machine is slower now and then.
const ROUNDS: u64 = 5;

async fn one_side(verdict: &mut Verdict, stage: &Stage, messages: u64) -> io::Result<()> {
    if let Some(relay) = Beside::haproxy(&stage.simulator).await? {
        for direction in [Direction::Fetch, Direction::Append] {
            // It ended itself once, when memory was short; what saslgate costs is still wanted then.
            match through(stage, &relay, direction, messages / ROUNDS).await {
                Ok(cost) => verdict.report(
                    &format!("{}: haproxy, processor time", direction.name()),
                    cost,
                    "s/GB",
                ),
                Err(error) => println!("      {}: haproxy gave up: {error}", direction.name()),
            }
        }
    }
    let cases = [
        (Direction::Fetch, DOWNLOAD),
        (Direction::Append, UPLOAD),
        (Direction::Data, UPLOAD),
    ];
    for (direction, bar) in cases {
        let relay = Beside::floor(&stage.simulator, direction.protocol())?;
        let (mut floor, mut cost) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floor.push(through(stage, &relay, direction, messages / ROUNDS).await?);
            cost.push(with_saslgate(stage, direction, messages / ROUNDS).await?);
        }
        let what = format!("{}: processor time", direction.name());
        verdict.at_most_beside(&what, median(cost), bar, median(floor), "s/GB");
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

/// What is reported without a bar.
async fn beside(verdict: &Verdict, stage: &Stage, how: &str, messages: u64) -> io::Result<()> {
    for direction in [Direction::Fetch, Direction::Data] {
        let cost = with_saslgate(stage, direction, messages).await?;
        let name = direction.name();
        verdict.report(&format!("{name}, {how}: processor time"), cost, "s/GB");
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
async fn through(stage: &Stage, relay: &Beside, direction: Direction, messages: u64) -> io::Result<f64> {
    let token = direct::token(stage).await?;
    let mut opened = Vec::new();
    for number in 0..CONNECTIONS as usize {
        let user = stage.account(number).0;
        let mail_client = if direction.protocol() == "imap" {
            direct::log_in_through(relay.address, user, &token).await?
        } else {
            direct::log_in_by_smtp(relay.address, user, &token).await?
        };
        opened.push((mail_client, user.to_owned()));
    }
    measure(opened, relay.process, direction, messages).await
}

/// Seconds of processor time per GB of saslgate.
async fn with_saslgate(stage: &Stage, direction: Direction, messages: u64) -> io::Result<f64> {
    let mut opened = Vec::new();
    for number in 0..CONNECTIONS as usize {
        let account = stage.account(number);
        let mut mail_client = MailClient::connect(&stage.saslgate, direction.protocol()).await?;
        mail_client.log_in(direction.protocol(), account, b"").await?;
        opened.push((mail_client, account.0.to_owned()));
    }
    measure(opened, stage.saslgate.process, direction, messages).await
}

async fn measure(
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
    let cpu = process.cpu()?;
    let mut running = JoinSet::new();
    for (mail_client, user) in opened {
        let block = Arc::clone(&block);
        running.spawn(async move { run(mail_client, &user, direction, messages, &block).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    let gigabytes = (messages * CONNECTIONS * MESSAGE as u64) as f64 / 1e9;
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
