//! What an idle session keeps.

use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::mail::MailClient;
use crate::stage::{Plan, Stage};
use crate::verdict::Verdict;

/// Bytes each way before a session idles.
const BYTES: usize = 256 * 1024;

/// Sessions that log in at the same time.
const AT_ONCE: usize = 32;

/// KiB of resident memory per idle session, plain toward the mail client, an RSA chain of two certificates upstream.
const BAR: f64 = 16.0;

/// What is hoped for.
const STRETCH: f64 = 12.0;

/// So many sessions.
pub async fn prove(verdict: &mut Verdict, sessions: u64) -> io::Result<()> {
    let rsa: &[&str] = &["--rsa-chain"];
    let rsa = Plan {
        simulator: rsa,
        downstream_tls: false,
    };
    let ecdsa = Plan {
        simulator: &[],
        downstream_tls: false,
    };
    let main = measure(verdict, "plain, RSA chain of two", rsa, sessions).await?;
    verdict.at_most(
        "plain, RSA chain of two: resident per idle session",
        main,
        BAR,
        "KiB",
    );
    verdict.report(
        "of it above the stretch target (12 KiB)",
        (main - STRETCH).max(0.0),
        "KiB",
    );
    let plain = measure(verdict, "plain, one ECDSA certificate", ecdsa, sessions).await?;
    verdict.report(
        "plain, one ECDSA certificate: resident per idle session",
        plain,
        "KiB",
    );
    let both = Plan {
        downstream_tls: true,
        ..rsa
    };
    let both = measure(verdict, "TLS on both sides, RSA chain of two", both, sessions).await?;
    verdict.report(
        "TLS on both sides, RSA chain of two: resident per idle session",
        both,
        "KiB",
    );
    Ok(())
}

/// Resident KiB per session.
async fn measure(verdict: &mut Verdict, name: &str, plan: Plan, sessions: u64) -> io::Result<f64> {
    let stage = std::sync::Arc::new(Stage::set(plan).await?);
    prepare(&stage).await?;
    let process = stage.saslgate.process;
    let base = process.resident_kib()?;
    let mut idle = Vec::new();
    let mut opening = JoinSet::new();
    for number in 0..sessions as usize {
        if opening.len() == AT_ONCE {
            idle.extend(opening.join_next().await);
        }
        let stage = std::sync::Arc::clone(&stage);
        opening.spawn(async move { open(&stage, number).await });
    }
    idle.extend(opening.join_all().await.into_iter().map(Ok));
    let mut alive = Vec::new();
    for opened in idle {
        alive.push(opened.map_err(io::Error::other)??);
    }
    // Whatever a task does right after its last byte is done by then.
    sleep(Duration::from_secs(2)).await;
    let resident = process.resident_kib()?;
    let cpu = process.cpu()?;
    sleep(Duration::from_secs(5)).await;
    let idle_cpu = process.cpu()? - cpu;
    verdict.report(&format!("{name}: resident before"), base, "KiB");
    verdict.report(
        &format!("{name}: resident with {sessions} idle sessions"),
        resident,
        "KiB",
    );
    verdict.report(
        &format!("{name}: processor time while idle"),
        idle_cpu.as_secs_f64() / 5.0 * 1e3,
        "ms/s",
    );
    let answered = wake(alive).await?;
    verdict.holds(
        &format!("{name}: sessions that still answer"),
        answered == sessions,
        &format!("{answered} of {sessions}"),
    );
    Ok((resident - base) / sessions as f64)
}

/// A first login, which also brings a message of the right size.
async fn prepare(stage: &Stage) -> io::Result<()> {
    for account in 0..3 {
        let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
        mail_client.log_in("imap", stage.account(account), b"").await?;
        mail_client
            .send(format!("a2 APPEND Drafts {{{BYTES}+}}\r\n").as_bytes())
            .await?;
        mail_client.send(&[b'x'; BYTES]).await?;
        mail_client.ask("", "a2 OK").await?;
        mail_client.ask("a3 LOGOUT", "a3 OK").await?;
    }
    Ok(())
}

/// Logs in, moves the bytes each way, and idles.
async fn open(stage: &Stage, number: usize) -> io::Result<MailClient> {
    let mut mail_client = MailClient::connect(&stage.saslgate, "imap").await?;
    mail_client.log_in("imap", stage.account(number), b"").await?;
    mail_client.ask("a2 SELECT Drafts", "a2 OK").await?;
    mail_client.ask("a3 FETCH 1 BODY.PEEK[]", "* 1 FETCH").await?;
    mail_client.skip(BYTES).await?;
    mail_client.until("a3 OK").await?;
    // A folder that does not exist: the bytes go all the way and the simulator keeps none of them.
    mail_client
        .send(format!("a4 APPEND Nowhere {{{BYTES}+}}\r\n").as_bytes())
        .await?;
    mail_client.send(&[b'x'; BYTES]).await?;
    mail_client.ask("", "a4 NO").await?;
    mail_client.ask("a5 IDLE", "+").await?;
    Ok(mail_client)
}

/// How many answer.
async fn wake(sessions: Vec<MailClient>) -> io::Result<u64> {
    let mut answered = 0;
    for mut session in sessions {
        session.ask("DONE", "a5 OK").await?;
        answered += 1;
    }
    Ok(answered)
}
