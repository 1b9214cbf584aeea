//! Everybody at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::beside::Beside;
use crate::direct;
use crate::mail::MailClient;
use crate::stage::{Plan, Stage};
use crate::verdict::{Bar, Verdict, percentile};

/// How often each burst is repeated.
const ROUNDS: usize = 5;

/// Seconds to the last login of a burst whose token is at hand.
const BAR: Bar = Bar {
    most: 0.35,
    floor: 0.20,
};

/// A login that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(30);

const PLAN: Plan = Plan {
    simulator: &["--x25519-only"],
    downstream_tls: false,
};

/// The chain that Exchange has.
const RSA_CHAIN: Plan = Plan {
    simulator: &["--x25519-only", "--rsa-chain"],
    downstream_tls: false,
};

/// So many logins at once.
pub async fn prove(verdict: &mut Verdict, logins: u64) -> io::Result<()> {
    let stage = Stage::set(RSA_CHAIN).await?;
    let median = bursts(verdict, stage, "RSA chain of two", logins).await?.median;
    verdict.report("RSA chain of two: to the last login, median", median, "s");
    let (stage, floor) = through_the_floor(Stage::set(PLAN).await?, logins).await?;
    verdict.report("floor: to the last login, median", floor, "s");
    let bursts = bursts(verdict, stage, "token at hand", logins).await?;
    let what = "token at hand: to the last login, median";
    verdict.at_most_beside(what, bursts.median, BAR, floor, "s");
    let stage = bursts.stage;
    let resident = stage.saslgate.process.resident_kib()?;
    verdict.report("resident after the bursts", resident / 1024.0, "MiB");
    first_logins(verdict, stage, logins).await
}

struct Bursts {
    stage: Stage,
    /// Seconds to the last login, the median of all rounds.
    median: f64,
}

/// Bursts at a saslgate that has a token.
async fn bursts(verdict: &mut Verdict, mut stage: Stage, name: &str, logins: u64) -> io::Result<Bursts> {
    MailClient::connect(&stage.saslgate, "imap")
        .await?
        .log_in("imap", stage.account(0), b"")
        .await?;
    let (mut times, mut lost) = (Vec::new(), 0);
    let cpu = stage.saslgate.process.cpu()?;
    for _ in 0..ROUNDS {
        let burst = burst(stage, &Way::Saslgate, logins).await?;
        stage = burst.stage;
        times.push(burst.last);
        lost += burst.lost;
    }
    let cpu = (stage.saslgate.process.cpu()? - cpu).as_secs_f64() * 1e3 / (logins as f64 * ROUNDS as f64);
    times.sort_by(f64::total_cmp);
    let detail = format!("{lost} in {ROUNDS} bursts of {logins}");
    verdict.holds(&format!("{name}: logins lost"), lost == 0, &detail);
    let best = percentile(&times, 0.0);
    verdict.report(&format!("{name}: to the last login, best"), best, "s");
    let worst = percentile(&times, 1.0);
    verdict.report(&format!("{name}: to the last login, worst"), worst, "s");
    verdict.report(&format!("{name}: processor time per login"), cpu, "ms");
    Ok(Bursts {
        stage,
        median: percentile(&times, 0.5),
    })
}

/// The same through a relay that does no protocol work: seconds to the last login, the median of all rounds.
async fn through_the_floor(mut stage: Stage, logins: u64) -> io::Result<(Stage, f64)> {
    let relay = Beside::floor(&stage.simulator, "imap")?;
    let way = Way::Through(relay.address, direct::token(&stage).await?.into());
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let burst = burst(stage, &way, logins).await?;
        stage = burst.stage;
        times.push(burst.last);
    }
    times.sort_by(f64::total_cmp);
    Ok((stage, percentile(&times, 0.5)))
}

/// The same when saslgate has just started and has no token.
async fn first_logins(verdict: &mut Verdict, mut stage: Stage, logins: u64) -> io::Result<()> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        stage.restart_saslgate(PLAN).await?;
        let before = stage.simulator.counts().await?.token_requests;
        let burst = burst(stage, &Way::Saslgate, logins).await?;
        stage = burst.stage;
        let requests = stage.simulator.counts().await?.token_requests - before;
        let good = burst.lost == 0 && requests == 1;
        let detail = format!("{} of {logins} lost, {requests} token requests", burst.lost);
        verdict.holds("no token: first logins", good, &detail);
        times.push(burst.last);
    }
    times.sort_by(f64::total_cmp);
    verdict.report(
        "no token: to the last login, median",
        percentile(&times, 0.5),
        "s",
    );
    Ok(())
}

struct Burst {
    stage: Stage,
    /// Seconds to the last login.
    last: f64,
    lost: u64,
}

/// Which way the mail clients go to their mailbox.
#[derive(Clone)]
enum Way {
    Saslgate,
    Through(SocketAddr, Arc<str>),
}

async fn log_in(stage: &Stage, way: &Way) -> io::Result<MailClient> {
    let account = stage.account(0);
    match way {
        Way::Through(relay, token) => direct::log_in_through(*relay, account.0, token).await,
        Way::Saslgate => {
            let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
            mail_client.log_in("imap", account, b"").await?;
            Ok(mail_client)
        }
    }
}

async fn burst(stage: Stage, way: &Way, logins: u64) -> io::Result<Burst> {
    let stage = Arc::new(stage);
    let mut mail_clients = JoinSet::new();
    let start = Instant::now();
    for _ in 0..logins {
        let (stage, way) = (Arc::clone(&stage), way.clone());
        mail_clients.spawn(async move {
            let mail_client = timeout(PATIENCE, log_in(&stage, &way)).await??;
            io::Result::Ok((mail_client, start.elapsed()))
        });
    }
    let (mut last, mut lost) = (Duration::ZERO, 0);
    // Kept until all are in: a burst is many sessions at one time.
    let mut kept = Vec::new();
    while let Some(mail_client) = mail_clients.join_next().await {
        match mail_client.map_err(io::Error::other)? {
            Ok((mail_client, time)) => {
                kept.push(mail_client);
                last = last.max(time);
            }
            Err(error) => {
                eprintln!("a login was lost: {error}");
                lost += 1;
            }
        }
    }
    drop(kept);
    // The next burst must not meet the ends of this one.
    sleep(Duration::from_secs(1)).await;
    let stage = Arc::into_inner(stage).ok_or_else(|| io::Error::other("a mail client is left"))?;
    Ok(Burst {
        stage,
        last: last.as_secs_f64(),
        lost,
    })
}
