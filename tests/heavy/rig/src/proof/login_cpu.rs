//! What a login costs the proxy, and what a round trip of the relay does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::direct;
use crate::mail::MailClient;
use crate::stage::{Plan, Stage};
use crate::verdict::{Verdict, percentile};

/// Mail clients at one time.
const AT_ONCE: usize = 16;

/// Logins that are not counted: tokens, tickets and caches fill up.
const WARM_UP: u64 = 300;

/// Round trips of the ping-pong.
const ROUND_TRIPS: u64 = 40_000;

/// What is measured: its name, the simulator's flags, the protocol, whether handshakes are resumed, and the bar in
/// milliseconds of processor time per login.
struct Case {
    name: &'static str,
    flags: &'static [&'static str],
    protocol: &'static str,
    resumed: bool,
    bar: Option<f64>,
}

const CASES: [Case; 10] = [
    case(
        "imap, ECDSA, full",
        &["--x25519-only", "--no-tickets"],
        "imap",
        false,
        Some(0.38),
    ),
    case(
        "imap, ECDSA, resumed",
        &["--x25519-only"],
        "imap",
        true,
        Some(0.25),
    ),
    case(
        "pop3, ECDSA, full",
        &["--x25519-only", "--no-tickets"],
        "pop3",
        false,
        None,
    ),
    case("pop3, ECDSA, resumed", &["--x25519-only"], "pop3", true, None),
    case(
        "smtp, ECDSA, full",
        &["--x25519-only", "--no-tickets"],
        "smtp",
        false,
        None,
    ),
    case("smtp, ECDSA, resumed", &["--x25519-only"], "smtp", true, None),
    case(
        "imap, RSA chain of two, full",
        &["--x25519-only", "--no-tickets", "--rsa-chain"],
        "imap",
        false,
        None,
    ),
    case(
        "imap, RSA chain of two, resumed",
        &["--x25519-only", "--rsa-chain"],
        "imap",
        true,
        None,
    ),
    case(
        "imap, ECDSA, X25519MLKEM768, full",
        &["--no-tickets"],
        "imap",
        false,
        None,
    ),
    case("imap, ECDSA, X25519MLKEM768, resumed", &[], "imap", true, None),
];

const fn case(
    name: &'static str,
    flags: &'static [&'static str],
    protocol: &'static str,
    resumed: bool,
    bar: Option<f64>,
) -> Case {
    Case {
        name,
        flags,
        protocol,
        resumed,
        bar,
    }
}

/// So many logins in each case.
pub async fn prove(verdict: &mut Verdict, logins: u64) -> io::Result<()> {
    for case in &CASES {
        measure(verdict, case, logins).await?;
    }
    ping_pong(verdict).await
}

async fn measure(verdict: &mut Verdict, case: &Case, logins: u64) -> io::Result<()> {
    let plan = Plan {
        simulator: case.flags,
        downstream_tls: false,
    };
    let mut stage = Stage::set(plan).await?;
    stage = rounds(stage, case.protocol, WARM_UP).await?.0;
    let (before, cpu, start) = (
        stage.simulator.counts().await?,
        stage.saslgate.process.cpu()?,
        Instant::now(),
    );
    let (returned, mut times) = rounds(stage, case.protocol, logins).await?;
    stage = returned;
    let elapsed = start.elapsed();
    // Each session still has its end line to write.
    sleep(Duration::from_millis(300)).await;
    let cpu = stage.saslgate.process.cpu()? - cpu;
    let after = stage.simulator.counts().await?;
    let name = case.name;
    let (full, resumed) = (after.full - before.full, after.resumed - before.resumed);
    let right = if case.resumed { resumed } else { full };
    // A ticket may be late once in a while: then there is a full handshake among the resumed ones.
    let good = after.logins - before.logins == logins && right * 100 >= logins * 99;
    verdict.holds(
        &format!("{name}: logins"),
        good,
        &format!("{logins}, of them {full} full, {resumed} resumed"),
    );
    let per_login = cpu.as_secs_f64() * 1e3 / logins as f64;
    match case.bar {
        Some(bar) => verdict.at_most(&format!("{name}: processor time per login"), per_login, bar, "ms"),
        None => verdict.report(&format!("{name}: processor time per login"), per_login, "ms"),
    }
    times.sort_by(f64::total_cmp);
    verdict.report(
        &format!("{name}: logins per second"),
        logins as f64 / elapsed.as_secs_f64(),
        "/s",
    );
    verdict.report(
        &format!("{name}: half of the rounds within"),
        percentile(&times, 0.5),
        "ms",
    );
    verdict.report(
        &format!("{name}: 99 % of the rounds within"),
        percentile(&times, 0.99),
        "ms",
    );
    Ok(())
}

/// So many rounds, 16 at a time; how long each took, in milliseconds.
async fn rounds(stage: Stage, protocol: &'static str, count: u64) -> io::Result<(Stage, Vec<f64>)> {
    let stage = Arc::new(stage);
    let begun = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (stage, begun) = (Arc::clone(&stage), Arc::clone(&begun));
        workers.spawn(async move {
            let mut times = Vec::new();
            while begun.fetch_add(1, Ordering::Relaxed) < count {
                let start = Instant::now();
                round(&stage, protocol, worker).await?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            io::Result::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(worker) = workers.join_next().await {
        times.extend(worker.map_err(io::Error::other)??);
    }
    let stage = Arc::into_inner(stage).ok_or_else(|| io::Error::other("a worker is left"))?;
    Ok((stage, times))
}

/// Connect, log in, NOOP, say goodbye.
async fn round(stage: &Stage, protocol: &str, account: usize) -> io::Result<()> {
    let mut mail_client = MailClient::connect(&stage.saslgate, protocol).await?;
    mail_client.log_in(protocol, stage.account(account), b"").await?;
    match protocol {
        "imap" => {
            mail_client.ask("a2 NOOP", "a2 OK").await?;
            mail_client.ask("a3 LOGOUT", "a3 OK").await?;
        }
        "pop3" => {
            mail_client.ask("NOOP", "+OK").await?;
            mail_client.ask("QUIT", "+OK").await?;
        }
        _ => {
            mail_client.ask("NOOP", "250").await?;
            mail_client.ask("QUIT", "221").await?;
        }
    }
    Ok(())
}

/// NOOP after NOOP in one session, beside the same without saslgate in between.
async fn ping_pong(verdict: &mut Verdict) -> io::Result<()> {
    let stage = Stage::set(Plan::default()).await?;
    let mut relayed = MailClient::connect(&stage.saslgate, "imap").await?;
    relayed.log_in("imap", stage.account(0), b"").await?;
    let mut direct = direct::log_in(&stage).await?;
    noops(&mut relayed, ROUND_TRIPS / 10).await?;
    noops(&mut direct, ROUND_TRIPS / 10).await?;
    let direct = noops(&mut direct, ROUND_TRIPS).await?;
    let cpu = stage.saslgate.process.cpu()?;
    let relayed = noops(&mut relayed, ROUND_TRIPS).await?;
    let cpu = stage.saslgate.process.cpu()? - cpu;
    let per_trip = cpu.as_secs_f64() * 1e6 / ROUND_TRIPS as f64;
    verdict.at_most("ping-pong: processor time per round trip", per_trip, 15.0, "us");
    verdict.report(
        "ping-pong: median round trip, direct",
        percentile(&direct, 0.5),
        "us",
    );
    let added = percentile(&relayed, 0.5) - percentile(&direct, 0.5);
    verdict.report("ping-pong: added to the median", added, "us");
    let added = percentile(&relayed, 0.99) - percentile(&direct, 0.99);
    verdict.report("ping-pong: added to the 99th percentile", added, "us");
    Ok(())
}

/// Times in microseconds, sorted.
async fn noops(mail_client: &mut MailClient, count: u64) -> io::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        mail_client.ask("a7 NOOP", "a7 OK").await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
