//! Long proofs about the end of the program and about places; `tests/heavy` has the scripts that run them.
#![allow(clippy::print_stderr)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use rustix::process::Signal;
use saslgate::provider::Protocol;
use saslgate::sim::{Settings, Sim};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, plain};
use crate::support::mailbox;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::within;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// A sequence of numbers by a seed (Knuth's linear congruential generator).
#[derive(Clone, Copy)]
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A message that names itself in its first line, of some size, with lines that begin with dots.
fn message(name: &str, chance: &mut Chance) -> String {
    let mut text = format!("Subject: {name}\r\n\r\n");
    for line in 0..chance.next(800) {
        let _ = write!(
            text,
            "{}{line} {:x}\r\n",
            ["", ".", ".."][usize::try_from(line % 3).unwrap()],
            chance.next(u64::MAX)
        );
    }
    text
}

fn name_of(message: &[u8]) -> String {
    let line = message.split(|&byte| byte == b'\r').next().unwrap();
    String::from_utf8_lossy(line.strip_prefix(b"Subject: ").unwrap_or(line)).into_owned()
}

/// What became of a message, as its mail client knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Yes,
    Nothing,
}

/// What one mail client did: every message that it began to send.
#[derive(Default)]
struct Done {
    messages: HashMap<String, (String, Told)>,
    fetched: usize,
}

/// Says it in pieces, with pauses: a transfer takes from milliseconds up to longer than the drain.
async fn say_slowly(client: &mut MailClient, text: &str, chance: &mut Chance) {
    let pause = 10_u64.pow(u32::try_from(chance.next(3)).unwrap()) - 1;
    let piece = text.len() / 40 + 1;
    for piece in text.as_bytes().chunks(piece) {
        client.say_bytes(piece).await;
        sleep(Duration::from_millis(pause)).await;
    }
}

/// Sends one message after the other until the connection ends.
async fn send(address: SocketAddr, account: Account, who: String, mut chance: Chance) -> Done {
    let mut done = Done::default();
    let Some(mut client) = logged_in(Protocol::Smtp, address, &account).await else {
        return done;
    };
    for count in 0.. {
        // Between two messages it is at rest, sometimes for long enough to be told so.
        sleep(Duration::from_millis(chance.next(50))).await;
        let name = format!("{who}-{count}");
        let text = message(&name, &mut chance);
        if !client
            .ask(&format!("MAIL FROM:<{}>", account.login))
            .await
            .is_yes()
        {
            break;
        }
        let asked = client.ask(&format!("RCPT TO:<{}>", account.login)).await;
        if asked.is_yes() {
            client.say("DATA").await;
            let go = client.line().await;
            assert!(!go.starts_with("421"), "{name}: {go}");
            done.messages.insert(name.clone(), (text.clone(), Told::Nothing));
            let stuffed = text.replace("\r\n.", "\r\n..");
            say_slowly(&mut client, &format!("{stuffed}.\r\n"), &mut chance).await;
            let reply = client.reply().await;
            if reply.is_yes() {
                done.messages.insert(name, (text, Told::Yes));
                continue;
            }
            assert_eq!(reply.line, "", "nothing is said within a transaction");
        }
        assert!(!asked.line.starts_with("421"), "{asked:?}");
        break;
    }
    done
}

/// Puts one message after the other into its mailbox.
async fn append(address: SocketAddr, account: Account, who: String, mut chance: Chance) -> Done {
    let mut done = Done::default();
    let Some(mut client) = logged_in(Protocol::Imap, address, &account).await else {
        return done;
    };
    for count in 0.. {
        let name = format!("{who}-{count}");
        let text = message(&name, &mut chance);
        client.say(&format!("a APPEND INBOX {{{}}}", text.len())).await;
        if !client.line().await.starts_with('+') {
            break;
        }
        done.messages.insert(name.clone(), (text.clone(), Told::Nothing));
        say_slowly(&mut client, &format!("{text}\r\n"), &mut chance).await;
        if !client.reply().await.is_yes() {
            break;
        }
        done.messages.insert(name, (text, Told::Yes));
    }
    done
}

/// Fetches the same message again and again. What it takes for whole has to be.
async fn fetch(address: SocketAddr, account: Account, whole: String) -> Done {
    let mut done = Done::default();
    let Some(mut client) = logged_in(Protocol::Pop3, address, &account).await else {
        return done;
    };
    while client.ask("RETR 1").await.is_yes() {
        let mut text = String::new();
        loop {
            let line = client.line().await;
            if line == "." {
                break;
            }
            if line.is_empty() && text.len() > whole.len() {
                return done;
            }
            text += line.strip_prefix('.').unwrap_or(&line);
            text += "\r\n";
            if text.len() > whole.len() + 4 {
                // The connection has ended: a line that is not there reads as an empty one.
                return done;
            }
        }
        assert_eq!(text, whole);
        done.fetched += 1;
    }
    done
}

async fn logged_in(protocol: Protocol, address: SocketAddr, account: &Account) -> Option<MailClient> {
    let mut client = MailClient::try_connect(protocol, address).await?;
    client.line().await;
    client
        .log_in(&account.login, &account.password)
        .await
        .is_yes()
        .then_some(client)
}

/// Every message that was found somewhere, by its name.
fn found(messages: impl Iterator<Item = Bytes>) -> HashMap<String, Vec<Bytes>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for message in messages {
        found.entry(name_of(&message)).or_default().push(message);
    }
    found
}

/// A yes means whole and once; anything else whole or not at all.
fn compare(done: &Done, found: &HashMap<String, Vec<Bytes>>) {
    for (name, (text, told)) in &done.messages {
        let there = found.get(name).map_or(&[][..], Vec::as_slice);
        assert!(there.iter().all(|there| there == text), "{name} is not whole");
        match told {
            Told::Yes => assert_eq!(there.len(), 1, "{name}"),
            Told::Nothing => assert!(there.len() <= 1, "{name}"),
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    lives: u64,
    yes: usize,
    unanswered: usize,
    fetched: usize,
    slowest: Duration,
    at_rest: usize,
    cut: usize,
}

const DRAIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: tests/heavy/sigterms"]
async fn sigterms() {
    let (lives, seed) = (
        number("SASLGATE_TEST_SIGTERMS", 200),
        number("SASLGATE_TEST_SEED", 1),
    );
    let mut chance = Chance(seed);
    let sim = Sim::start(Settings::default()).unwrap();
    let [sender, other, appender, fetcher] =
        ["sender", "other", "appender", "fetcher"].map(|name| mailbox(&sim, name));
    let whole = message("to be fetched", &mut Chance(7)).repeat(20);
    sim.directory()
        .mailbox(&fetcher.login)
        .unwrap()
        .deliver(whole.clone());
    let accounts = [&sender, &other, &appender, &fetcher];
    let config = accounts.into_iter().fold(Config::new(&sim), Config::account);
    let config = config.table("server", &format!("drain = {}", DRAIN.as_secs()));
    let place = Arc::new(Place::new(&sim));
    let mut seen = Seen::default();
    for life in 0..lives {
        let mut gate = Program::start(Arc::clone(&place), &config).await;
        let address = |protocol| gate.addresses.of(protocol);
        let mut all = JoinSet::new();
        let mut own = || Chance(chance.next(u64::MAX));
        for (number, account) in [&sender, &sender, &other].into_iter().enumerate() {
            all.spawn(send(
                address(Protocol::Smtp),
                account.clone(),
                format!("sent-{life}-{number}"),
                own(),
            ));
        }
        for number in 0..2 {
            all.spawn(append(
                address(Protocol::Imap),
                appender.clone(),
                format!("put-{life}-{number}"),
                own(),
            ));
        }
        all.spawn(fetch(address(Protocol::Pop3), fetcher.clone(), whole.clone()));
        sleep(Duration::from_millis(chance.next(1_500))).await;
        gate.signal(Signal::TERM);
        let told = Instant::now();
        gate.exit().await;
        let took = told.elapsed();
        assert!(took <= DRAIN + Duration::from_secs(1), "life {life}: {took:?}");
        let done = within(Duration::from_secs(30), "every mail client's end", all.join_all()).await;
        sim.exchange().until_counts(|counts| counts.open == 0).await;
        let sent = found(sim.exchange().sent().into_iter().map(|sent| sent.message));
        let appended = found(
            sim.directory()
                .mailbox(&appender.login)
                .unwrap()
                .messages("INBOX")
                .into_iter(),
        );
        for done in &done {
            let there = if done.messages.keys().any(|name| name.starts_with("put")) {
                &appended
            } else {
                &sent
            };
            compare(done, there);
        }
        seen.lives += 1;
        seen.slowest = seen.slowest.max(took);
        for (_, (_, told)) in done.iter().flat_map(|done| &done.messages) {
            *(if *told == Told::Yes {
                &mut seen.yes
            } else {
                &mut seen.unanswered
            }) += 1;
        }
        seen.fetched += done.iter().map(|done| done.fetched).sum::<usize>();
        for line in gate.log.since(0) {
            let outcome = line["outcome"].as_str().unwrap_or_default();
            seen.at_rest += usize::from(outcome == "ended by saslgate at rest: it stops");
            seen.cut += usize::from(outcome == "ended by saslgate");
        }
    }
    let Seen {
        lives,
        yes,
        unanswered,
        fetched,
        slowest,
        at_rest,
        cut,
    } = seen;
    eprintln!(
        "ok   {lives} SIGTERMs (seed {seed}): {yes} messages were answered with yes, all there once and whole; of {unanswered} that were \
         not answered none is there in part; {fetched} fetched whole; {at_rest} sessions ended at rest, {cut} in the air at the \
         deadline; the slowest exit took {slowest:?} with a drain of {DRAIN:?}"
    );
    assert!(
        yes > 0 && unanswered > 0 && fetched > 0 && at_rest > 0 && cut > 0,
        "{seen:?}"
    );
}

/// One message by one connection, after however many tries. `patience` is how long it waits for the reply to its login.
async fn send_one(
    address: SocketAddr,
    account: Account,
    name: String,
    patience: Duration,
    hold: Duration,
) -> usize {
    let mut given_up = 0;
    let mut client = loop {
        let mut client = MailClient::greeted(Protocol::Smtp, address).await;
        client.ask("EHLO scanner.example").await;
        client
            .say(&format!(
                "AUTH PLAIN {}",
                plain(&account.login, &account.password)
            ))
            .await;
        match timeout(patience, client.line_whenever()).await {
            Ok(line) if line.starts_with('2') => break client,
            Ok(line) => assert!(line.starts_with("454 4.7.0 "), "{line:?}"),
            Err(_) => given_up += 1,
        }
    };
    for command in [
        format!("MAIL FROM:<{}>", account.login),
        format!("RCPT TO:<{}>", account.login),
    ] {
        let reply = client.ask(&command).await;
        assert!(reply.is_yes(), "{command}: {reply:?}");
    }
    client.say("DATA").await;
    assert!(client.line().await.starts_with("354 "));
    sleep(hold).await;
    assert!(
        client
            .ask(&format!("Subject: {name}\r\n\r\ntext\r\n."))
            .await
            .is_yes()
    );
    // Half of them say goodbye.
    if name.len().is_multiple_of(2) {
        client.ask("QUIT").await;
    }
    given_up
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: tests/heavy/senders"]
async fn senders() {
    let count = usize::try_from(number("SASLGATE_TEST_SENDERS", 50)).unwrap();
    let hold = Duration::from_millis(number("SASLGATE_TEST_HOLD_MS", 3_000));
    let hasty = Duration::from_millis(number("SASLGATE_TEST_GIVE_UP_MS", 30_000));
    let sim = Sim::start(Settings::default()).unwrap();
    let sender = mailbox(&sim, "sender");
    let config = Config::new(&sim)
        .account(&sender)
        .table("limits", "place_seconds = 300");
    let gate = Program::start(Place::new(&sim), &config).await;
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for number in 0..2 * count {
        let patience = if number < count {
            Duration::from_secs(300)
        } else {
            hasty
        };
        let address = gate.addresses.of(Protocol::Smtp);
        all.spawn(send_one(
            address,
            sender.clone(),
            number.to_string(),
            patience,
            hold,
        ));
    }
    let given_up: usize = all.join_all().await.into_iter().sum();
    let most = sim.directory().mailbox(&sender.login).unwrap().most_submissions();
    let sent = found(sim.exchange().sent().into_iter().map(|sent| sent.message));
    eprintln!(
        "ok   {count} senders that wait up to 300 s and {count} that give up after {hasty:?}, one mailbox: {} messages, each once; \
         given up and tried again {given_up} times; most sessions at once upstream: {most}; {} s",
        sent.len(),
        begun.elapsed().as_secs()
    );
    assert_eq!(sent.len(), 2 * count);
    assert!(sent.values().all(|copies| copies.len() == 1));
    assert_eq!(most, 3);
    assert!(given_up > 0, "nobody had to wait so long: hold them longer");
}
