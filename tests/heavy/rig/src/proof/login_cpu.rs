//! What a login costs the proxy, and what a round trip of the relay does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::beside::Beside;
use crate::direct;
use crate::mail::MailClient;
use crate::process::Process;
use crate::stage::{Plan, Stage};
use crate::verdict::{Bar, Verdict, percentile};

/// Mail clients at one time.
const AT_ONCE: usize = 16;

/// Logins that are not counted: tokens, tickets and caches fill up.
const WARM_UP: u64 = 300;

/// Round trips of the ping-pong.
const ROUND_TRIPS: u64 = 40_000;

/// What is measured: its name, the simulator's flags, the protocol, and the bar in milliseconds of processor time per
/// login. Where there is a bar, the relays without protocol work are measured beside.
struct Case(&'static str, &'static [&'static str], &'static str, Option<Bar>);

#[rustfmt::skip]
const CASES: [Case; 10] = [
    Case("imap, ECDSA, full", &["--x25519-only", "--no-tickets"], "imap", Some(Bar { most: 0.38, floor: 0.275 })),
    Case("imap, ECDSA, resumed", &["--x25519-only"], "imap", Some(Bar { most: 0.25, floor: 0.152 })),
    Case("pop3, ECDSA, full", &["--x25519-only", "--no-tickets"], "pop3", None),
    Case("pop3, ECDSA, resumed", &["--x25519-only"], "pop3", None),
    Case("smtp, ECDSA, full", &["--x25519-only", "--no-tickets"], "smtp", None),
    Case("smtp, ECDSA, resumed", &["--x25519-only"], "smtp", None),
    Case("imap, RSA chain of two, full", &["--x25519-only", "--no-tickets", "--rsa-chain"], "imap", None),
    Case("imap, RSA chain of two, resumed", &["--x25519-only", "--rsa-chain"], "imap", None),
    Case("imap, ECDSA, X25519MLKEM768, full", &["--no-tickets"], "imap", None),
    Case("imap, ECDSA, X25519MLKEM768, resumed", &[], "imap", None),
];

/// So many logins in each case.
pub async fn prove(verdict: &mut Verdict, logins: u64) -> io::Result<()> {
    for case in &CASES {
        measure(verdict, case, logins).await?;
    }
    ping_pong(verdict).await
}

async fn measure(verdict: &mut Verdict, case: &Case, logins: u64) -> io::Result<()> {
    let Case(name, flags, protocol, bar) = *case;
    let plan = Plan {
        simulator: flags,
        downstream_tls: false,
    };
    let mut stage = Stage::set(plan).await?;
    let way = Way::Saslgate(
        protocol,
        stage.saslgate.address(protocol)?,
        stage.account(0).1.to_owned(),
    );
    let process = stage.saslgate.process;
    let saslgate = logins_of(&mut stage, process, way, logins).await?;
    let right = if flags.contains(&"--no-tickets") {
        saslgate.full
    } else {
        saslgate.resumed
    };
    verdict.holds(
        &format!("{name}: logins"),
        // rustls keeps eight tickets of a host; of sixteen logins at a time, one now and then finds none.
        saslgate.accepted == logins && right * 100 >= logins * 90,
        &format!(
            "{logins}, of them {} full, {} resumed",
            saslgate.full, saslgate.resumed
        ),
    );
    if let Some(bar) = bar {
        let floor = beside(verdict, name, &mut stage, logins).await?;
        verdict.at_most_beside(
            &format!("{name}: processor time per login"),
            saslgate.cpu,
            bar,
            floor,
            "ms",
        );
    } else {
        verdict.report(&format!("{name}: processor time per login"), saslgate.cpu, "ms");
    }
    saslgate.report(verdict, name);
    Ok(())
}

/// What the same logins cost relays that do no protocol work; returns what they cost the floor.
async fn beside(verdict: &Verdict, name: &str, stage: &mut Stage, logins: u64) -> io::Result<f64> {
    let token: Arc<str> = direct::token(stage).await?.into();
    let floor = Beside::floor(&stage.simulator, "imap")?;
    let haproxy = Beside::haproxy(&stage.simulator).await?;
    let mut costs = Vec::new();
    for relay in [Some(floor), haproxy].into_iter().flatten() {
        let way = Way::Through(relay.address, Arc::clone(&token));
        let measured = logins_of(stage, relay.process, way, logins).await?;
        verdict.report(
            &format!("{name}: {}, processor time per login", relay.name),
            measured.cpu,
            "ms",
        );
        costs.push(measured.cpu);
    }
    Ok(costs[0])
}

/// What a number of logins came to.
struct Measured {
    /// Milliseconds of processor time per login.
    cpu: f64,
    per_second: f64,
    /// Milliseconds, sorted.
    times: Vec<f64>,
    accepted: u64,
    full: u64,
    resumed: u64,
}

impl Measured {
    fn report(&self, verdict: &Verdict, name: &str) {
        verdict.report(&format!("{name}: logins per second"), self.per_second, "/s");
        let half = percentile(&self.times, 0.5);
        verdict.report(&format!("{name}: half of the rounds within"), half, "ms");
        let most = percentile(&self.times, 0.99);
        verdict.report(&format!("{name}: 99 % of the rounds within"), most, "ms");
    }
}

async fn logins_of(stage: &mut Stage, process: Process, way: Way, logins: u64) -> io::Result<Measured> {
    rounds(stage, &way, WARM_UP).await?;
    let before = stage.simulator.counts().await?;
    let (cpu, start) = (process.cpu()?, Instant::now());
    let mut times = rounds(stage, &way, logins).await?;
    let elapsed = start.elapsed();
    // Each session still has its end to write down.
    sleep(Duration::from_millis(300)).await;
    let cpu = process.cpu()? - cpu;
    let after = stage.simulator.counts().await?;
    times.sort_by(f64::total_cmp);
    Ok(Measured {
        cpu: cpu.as_secs_f64() * 1e3 / logins as f64,
        per_second: logins as f64 / elapsed.as_secs_f64(),
        times,
        accepted: after.logins - before.logins,
        full: after.full - before.full,
        resumed: after.resumed - before.resumed,
    })
}

/// Which way a mail client goes to its mailbox.
#[derive(Clone)]
enum Way {
    /// With a password, in that protocol.
    Saslgate(&'static str, SocketAddr, String),
    /// With a token of its own, in IMAP, through a relay.
    Through(SocketAddr, Arc<str>),
}

/// So many rounds, 16 at a time; how long each took, in milliseconds.
async fn rounds(stage: &Stage, way: &Way, count: u64) -> io::Result<Vec<f64>> {
    let begun = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (way, begun) = (way.clone(), Arc::clone(&begun));
        let user = stage.account(worker).0.to_owned();
        workers.spawn(async move {
            let mut times = Vec::new();
            while begun.fetch_add(1, Ordering::Relaxed) < count {
                let start = Instant::now();
                round(&way, &user).await?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            io::Result::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(worker) = workers.join_next().await {
        times.extend(worker.map_err(io::Error::other)??);
    }
    Ok(times)
}

/// Connect, log in, NOOP, say goodbye.
async fn round(way: &Way, user: &str) -> io::Result<()> {
    let (mut mail_client, protocol) = match way {
        Way::Saslgate(protocol, address, password) => {
            let mut mail_client = MailClient::plain(*address).await?;
            mail_client.log_in(protocol, (user, password), b"").await?;
            (mail_client, *protocol)
        }
        Way::Through(relay, token) => (direct::log_in_through(*relay, user, token).await?, "imap"),
    };
    let [noop, goodbye] = match protocol {
        "imap" => [("a2 NOOP", "a2 OK"), ("a3 LOGOUT", "a3 OK")],
        "pop3" => [("NOOP", "+OK"), ("QUIT", "+OK")],
        _ => [("NOOP", "250"), ("QUIT", "221")],
    };
    mail_client.ask(noop.0, noop.1).await?;
    mail_client.ask(goodbye.0, goodbye.1).await?;
    Ok(())
}

/// What the relay may cost per round trip, in microseconds.
const ROUND_TRIP: Bar = Bar {
    most: 15.0,
    floor: 13.0,
};

/// NOOP after NOOP in one session, beside the same without saslgate in between.
async fn ping_pong(verdict: &mut Verdict) -> io::Result<()> {
    let stage = Stage::set(Plan::default()).await?;
    let token = direct::token(&stage).await?;
    let (user, password) = stage.account(0);
    let (direct, _) = noops(direct::log_in(&stage).await?, None).await?;
    verdict.report(
        "ping-pong: median round trip, direct",
        percentile(&direct, 0.5),
        "us",
    );
    let floor = Beside::floor(&stage.simulator, "imap")?;
    let through = direct::log_in_through(floor.address, user, &token).await?;
    let (through, floor_cpu) = noops(through, Some(floor.process)).await?;
    let added = percentile(&through, 0.5) - percentile(&direct, 0.5);
    verdict.report("ping-pong: floor, added to the median", added, "us");
    let mut relayed = MailClient::connect(&stage.saslgate, "imap").await?;
    relayed.log_in("imap", (user, password), b"").await?;
    let (relayed, cpu) = noops(relayed, Some(stage.saslgate.process)).await?;
    verdict.at_most_beside(
        "ping-pong: processor time per round trip",
        cpu,
        ROUND_TRIP,
        floor_cpu,
        "us",
    );
    let added = percentile(&relayed, 0.5) - percentile(&direct, 0.5);
    verdict.report("ping-pong: added to the median", added, "us");
    let added = percentile(&relayed, 0.99) - percentile(&direct, 0.99);
    verdict.report("ping-pong: added to the 99th percentile", added, "us");
    Ok(())
}

/// Times in microseconds, sorted, and what each cost the process in between.
async fn noops(mut mail_client: MailClient, process: Option<Process>) -> io::Result<(Vec<f64>, f64)> {
    for _ in 0..ROUND_TRIPS / 10 {
        mail_client.ask("a7 NOOP", "a7 OK").await?;
    }
    let mut times = Vec::new();
    let cpu = || process.map_or(Ok(Duration::ZERO), Process::cpu);
    let before = cpu()?;
    for _ in 0..ROUND_TRIPS {
        let start = Instant::now();
        mail_client.ask("a7 NOOP", "a7 OK").await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let cost = (cpu()? - before).as_secs_f64() * 1e6 / ROUND_TRIPS as f64;
    times.sort_by(f64::total_cmp);
    Ok((times, cost))
}
