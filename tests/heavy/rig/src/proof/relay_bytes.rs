//! Every byte arrives, in order, both ways, whoever ends first and however.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::json::{field, number};
use crate::mail::MailClient;
use crate::stage::{PROTOCOLS, Plan, Stage};
use crate::tls::Digest;
use crate::verdict::Verdict;

/// The most that is sent or read at once.
const CHUNK: usize = 64 * 1024;

/// Bytes that leave in the segment with the login's last command.
const WITH_LOGIN: usize = 10_000;

/// Bytes each way where only the end matters.
const SMALL: u64 = 3_000_000;

/// What the mail client holds back where upstream ends first.
const TAIL: u64 = 100_000;

/// One session may not take longer: a relay that hangs is a failure and not a long run.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who ends first.
#[derive(Clone, Copy, Eq, PartialEq)]
enum First {
    MailClient,
    Upstream,
}

/// One session.
#[derive(Clone, Copy)]
struct Case {
    protocol: &'static str,
    bytes: u64,
    stalls: bool,
    first: First,
    /// Whether the first end comes with `close_notify`.
    clean: bool,
    tls12: bool,
    downstream_tls: bool,
}

/// `mebibytes` each way and session.
pub async fn prove(verdict: &mut Verdict, mebibytes: u64) -> io::Result<()> {
    let versions: [(&[&str], bool); 2] = [
        (&["--raw", "--tls", "1.2"], true),
        (&["--raw", "--tls", "1.3"], false),
    ];
    let mut sessions = 0;
    for (flags, tls12) in versions {
        for downstream_tls in [false, true] {
            let mut stage = Stage::set(Plan {
                simulator: flags,
                downstream_tls,
            })
            .await?;
            let descriptors = stage.saslgate.process.descriptors()?;
            for protocol in PROTOCOLS {
                let whole = Case {
                    protocol,
                    bytes: mebibytes << 20,
                    stalls: true,
                    first: First::MailClient,
                    clean: true,
                    tls12,
                    downstream_tls,
                };
                check(verdict, &mut stage, whole).await?;
                sessions += 1;
                for (first, clean) in orders() {
                    check(
                        verdict,
                        &mut stage,
                        Case {
                            bytes: SMALL,
                            stalls: false,
                            first,
                            clean,
                            ..whole
                        },
                    )
                    .await?;
                    sessions += 1;
                }
            }
            back_to(verdict, &stage, descriptors).await?;
        }
    }
    verdict.holds("sessions", sessions == 60, &format!("{sessions} of 60"));
    Ok(())
}

fn orders() -> impl Iterator<Item = (First, bool)> {
    [First::MailClient, First::Upstream]
        .into_iter()
        .flat_map(|first| [true, false].map(|clean| (first, clean)))
}

async fn check(verdict: &mut Verdict, stage: &mut Stage, case: Case) -> io::Result<()> {
    let name = format!(
        "{:<4} {} upstream, {} mail client, {} MiB each way, {} first, {} close_notify",
        case.protocol,
        if case.tls12 { "TLS 1.2" } else { "TLS 1.3" },
        if case.downstream_tls { "TLS" } else { "plain" },
        case.bytes >> 20,
        if case.first == First::MailClient {
            "mail client"
        } else {
            "upstream"
        },
        if case.clean { "with" } else { "without" },
    );
    let outcome = timeout(PATIENCE, converse(stage, case)).await;
    match outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(wrong) if wrong.is_empty() => verdict.holds(&name, true, "equal digests, right ends"),
        Ok(wrong) => verdict.holds(&name, false, &wrong.join("; ")),
        Err(error) => verdict.holds(&name, false, &error.to_string()),
    }
    Ok(())
}

/// Plays one session; what was wrong with it.
async fn converse(stage: &mut Stage, case: Case) -> io::Result<Vec<String>> {
    let mut mail_client = MailClient::connect(&stage.saslgate, case.protocol).await?;
    let mut random = Random(case.bytes ^ 7);
    let mut head = vec![0; WITH_LOGIN];
    random.fill(&mut head);
    let mut sent = Digest::new();
    sent.update(&head);
    let wish = wish(case);
    mail_client
        .log_in(
            case.protocol,
            stage.account(0),
            &[wish.as_bytes(), &head].concat(),
        )
        .await?;
    let (mut reads, mut writes, below, unread) = mail_client.into_halves();
    let (their_end, seen) = watch::channel(false);
    let send = async {
        let sent = send(&mut writes, case, random, sent, seen).await?;
        if case.first == First::MailClient && !case.clean {
            below.cut()?;
        } else {
            writes.shutdown().await?;
        }
        io::Result::Ok(sent)
    };
    let receive = receive(&mut reads, case, unread, their_end);
    let (sent, received) = tokio::join!(send, receive);
    let (received, count, end) = received;
    let report = stage.simulator.report().await?;
    let told = |name| field(&report, name).unwrap_or_default();
    let mut wrong = Vec::new();
    let mut expect = |what: &str, is: String, should: String| {
        if is != should {
            wrong.push(format!("{what}: {is} and not {should}"));
        }
    };
    expect(
        "bytes that upstream took",
        number(&report, "count").to_string(),
        case.bytes.to_string(),
    );
    expect("digest at upstream", told("took"), sent?.base64());
    expect(
        "bytes that the mail client got",
        count.to_string(),
        case.bytes.to_string(),
    );
    expect("digest at the mail client", received.base64(), told("gave"));
    expect("end at upstream", told("end"), end_at_upstream(case).to_owned());
    expect("end at the mail client", end, end_at_mail_client(case).to_owned());
    Ok(wrong)
}

/// What the simulator is asked to do.
fn wish(case: Case) -> String {
    let bytes = case.bytes;
    let stalls = if case.stalls { " stalls" } else { "" };
    let tail = match (case.first, case.tls12) {
        (First::Upstream, _) => "",
        // Toward TLS 1.2 the mail client's end is kept back until upstream has said all: so it must not wait for it.
        (First::MailClient, true) => " tail=taken",
        (First::MailClient, false) => " tail=end",
    };
    let cut = if case.first == First::Upstream && !case.clean {
        " cut"
    } else {
        ""
    };
    format!("RAW give={bytes} take={bytes}{stalls}{tail}{cut}\r\n")
}

/// An end without `close_notify` must not look more complete on the other leg. A plain leg has only one kind of end.
fn end_at_upstream(case: Case) -> &'static str {
    let cut = case.first == First::MailClient && !case.clean && case.downstream_tls;
    if cut { "cut" } else { "clean" }
}

fn end_at_mail_client(case: Case) -> &'static str {
    let cut = case.first == First::Upstream && !case.clean && case.downstream_tls;
    if cut { "cut" } else { "clean" }
}

/// Sends random bytes in random pieces. Where upstream ends first, the last ones go after its end.
async fn send(
    writes: &mut (impl AsyncWrite + Unpin),
    case: Case,
    mut random: Random,
    mut digest: Digest,
    mut their_end: watch::Receiver<bool>,
) -> io::Result<Digest> {
    let mut buffer = vec![0; CHUNK];
    let mut left = case.bytes - WITH_LOGIN as u64;
    while left > 0 {
        if left <= TAIL && case.first == First::Upstream {
            writes.flush().await?;
            let _ = their_end.wait_for(|ended| *ended).await;
        }
        let above_tail = if left > TAIL { left - TAIL } else { left };
        let size = random.piece().min(above_tail as usize);
        let piece = &mut buffer[..size];
        random.fill(piece);
        digest.update(piece);
        writes.write_all(piece).await?;
        left -= size as u64;
        if case.stalls {
            random.stall(size).await;
        }
    }
    writes.flush().await?;
    Ok(digest)
}

/// Reads to the end: digest, count, kind of end.
async fn receive(
    reads: &mut (impl AsyncRead + Unpin),
    case: Case,
    unread: Vec<u8>,
    ended: watch::Sender<bool>,
) -> (Digest, u64, String) {
    let mut digest = Digest::new();
    digest.update(&unread);
    let mut count = unread.len() as u64;
    let mut random = Random(!case.bytes);
    let mut buffer = vec![0; CHUNK];
    let end = loop {
        if case.stalls {
            random.stall(CHUNK).await;
        }
        match reads.read(&mut buffer).await {
            Ok(0) => break "clean".to_owned(),
            Ok(size) => {
                digest.update(&buffer[..size]);
                count += size as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break "cut".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    ended.send_replace(true);
    (digest, count, end)
}

/// Every session must have given its descriptors back.
async fn back_to(verdict: &mut Verdict, stage: &Stage, before: usize) -> io::Result<()> {
    let mut now = stage.saslgate.process.descriptors()?;
    for _ in 0..50 {
        if now <= before + 1 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        now = stage.saslgate.process.descriptors()?;
    }
    // One more may stay: the connection to the token endpoint.
    verdict.holds(
        "descriptors after the sessions",
        now <= before + 1,
        &format!("{now}, {before} before"),
    );
    Ok(())
}

/// `SplitMix64`.
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

    /// A size of any magnitude up to [`CHUNK`].
    fn piece(&mut self) -> usize {
        let magnitude = 1 << (self.next() % 17);
        1 + (self.next() % magnitude) as usize
    }

    /// Pauses for 20 ms once in 16 MiB, on average.
    async fn stall(&mut self, size: usize) {
        if self.next() % (16 << 20) < size as u64 {
            sleep(Duration::from_millis(20)).await;
        }
    }
}
