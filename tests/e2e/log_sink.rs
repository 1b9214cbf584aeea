//! The log while nobody reads it, while somebody floods it, and while an operator changes it.

use std::fs;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use saslgate::control::{News, Order, connect};
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinSet;

use crate::support::command;
use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::{Program, binary};
use crate::support::{soon, within};

/// A saslgate whose log is read only as far as the test wants.
struct Unread {
    child: Child,
    log: BufReader<ChildStderr>,
    address: std::net::SocketAddr,
    _sim: Sim,
    place: Place,
    account: Account,
}

impl Unread {
    async fn start() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let account = Account::new(Demo::ALICE);
        let config = Config::new(&sim)
            .account(&account)
            .listeners([(Protocol::Imap, "off")]);
        let place = Place::new(&sim);
        let path = place.configure(&config);
        let mut child = Command::new(binary())
            .args(["run", "--config"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        loop {
            let line = read(&mut log).await.unwrap();
            if line["message"] == "listening" {
                address = line["address"].as_str().map(|text| text.parse().unwrap());
            }
            if line["message"] == "ready" {
                break;
            }
        }
        Self {
            child,
            log,
            address: address.unwrap(),
            _sim: sim,
            place,
            account,
        }
    }

    /// Has it say so many lines of 50 kB.
    async fn talks(&self, lines: usize) {
        let long = format!("info,{}=debug", "x".repeat(25_000));
        for _ in 0..lines {
            let order = Order::Log {
                level: Some(long.clone()),
            };
            let mut operator = connect(&self.place.path("control/socket"), None, order)
                .await
                .unwrap();
            let answer = soon("an answer", operator.hear()).await;
            assert!(matches!(answer, Some(News::LogLevel(_))), "{answer:?}");
        }
    }

    async fn mail_goes_on(&self) {
        let login = MailClient::logged_in(Protocol::Imap, self.address, &self.account);
        let mut client = within(Duration::from_secs(10), "a login", login).await;
        assert!(client.is_relayed().await);
    }

    /// What it has in memory, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    async fn stops(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        soon("its end", self.child.wait()).await.unwrap()
    }
}

async fn read(log: &mut BufReader<ChildStderr>) -> Option<Value> {
    let mut line = String::new();
    soon("a line", log.read_line(&mut line)).await.unwrap();
    (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_costs_no_mail_and_no_memory_and_it_is_told_what_is_missing() {
    let mut gate = Unread::start().await;
    gate.talks(80).await;
    gate.mail_goes_on().await;
    let before = gate.memory();
    gate.talks(200).await;
    gate.mail_goes_on().await;
    let more = gate.memory().saturating_sub(before);
    assert!(more < 4 * 1024, "{more} KiB for 10 MB of lines");

    let (mut said, mut missing) = (0, 0);
    while missing == 0 {
        let line = read(&mut gate.log).await.unwrap();
        said += u64::from(line["event"] == "log_level_changed");
        if line["message"] == "lines of the log are missing here" {
            missing = line["dropped"].as_u64().unwrap();
        }
    }
    assert!(
        said + missing >= 280,
        "{said} lines and {missing} that are missing"
    );
    // It flows again.
    gate.mail_goes_on().await;
    while read(&mut gate.log).await.unwrap()["event"] != "login_accepted" {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_keeps_nobody_from_stopping() {
    let mut gate = Unread::start().await;
    gate.talks(80).await;
    assert!(gate.stops().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_lines_are_there_after_the_end() {
    let mut gate = Unread::start().await;
    // As much as a pipe takes: nobody reads until the program is gone.
    gate.talks(1).await;
    assert!(gate.stops().await.success());
    let mut last = Value::Null;
    while let Some(line) = read(&mut gate.log).await {
        last = line;
    }
    assert_eq!(last["event"], "stopped");
}

/// R12: whoever has nothing but noise to say fills no disk, and is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_bad_commands_is_ten_lines_a_second_and_a_number() {
    const CONNECTIONS: u64 = 400;
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE));
    let mut gate = Program::start(Place::new(&sim), &config).await;
    let mut all = JoinSet::new();
    for number in 0..CONNECTIONS {
        let protocol = Protocol::ALL[usize::try_from(number % 3).unwrap()];
        let address = gate.addresses.of(protocol);
        all.spawn(async move {
            let mut client = MailClient::greeted(protocol, address).await;
            let mechanism = match protocol {
                Protocol::Imap => "a AUTHENTICATE CRAM-MD5",
                Protocol::Pop3 => "APOP alice 0123",
                Protocol::Smtp => "EHLO x\r\nAUTH NTLM",
            };
            client.say(mechanism).await;
            client.say(&"XYZZY\r\n".repeat(100)).await;
            client.hang_up().await;
            client.rest().await;
        });
    }
    all.join_all().await;
    gate.signal(Signal::TERM);
    gate.exit().await;
    let lines = gate.log.since(0);
    for event in ["session_without_login", "mechanism_refused"] {
        let written: Vec<_> = lines
            .iter()
            .filter(|line| line["event"] == event || line["of"] == event)
            .collect();
        let suppressed: u64 = written
            .iter()
            .filter_map(|line| line["suppressed"].as_u64())
            .sum();
        let events = written.iter().filter(|line| line["event"] == event).count();
        assert!(suppressed > 0, "{event}: {} lines", written.len());
        assert_eq!(
            u64::try_from(events).unwrap() + suppressed,
            CONNECTIONS,
            "{event}"
        );
        let times: Vec<f64> = written.iter().map(|line| seconds(line)).collect();
        for (at, begun) in times.iter().enumerate() {
            // Between the count and the clock of the line something may happen.
            let within = times[at..]
                .iter()
                .take_while(|time| **time - begun < 0.95)
                .count();
            assert!(within <= 11, "{event}: {within} lines within a second");
        }
    }
}

/// The second of the day in which a line was written.
fn seconds(line: &Value) -> f64 {
    let time = line["timestamp"].as_str().unwrap();
    let (_, clock) = time.trim_end_matches('Z').split_once('T').unwrap();
    clock
        .split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_level_changes_while_it_runs_and_audit_events_stay() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (alice, bob) = (Account::new(Demo::ALICE), Account::new(Demo::BOB).app("lies"));
    let config = Config::new(&sim)
        .app_by_command("lies", &["/bin/echo", "no-token"])
        .account(&alice)
        .account(&bob);
    let gate = Program::start(Place::new(&sim), &config).await;
    let log = async |arguments: &[&str]| command::run(&gate.place, &[&["log"], arguments].concat()).await;
    assert_eq!(log(&[]).await.output, "debug");

    let mark = gate.log.mark();
    let said = log(&["error"]).await;
    assert_eq!((said.code, said.output.as_str()), (Some(0), "error"), "{said:?}");
    let changed = gate.log.message(mark, "log level changed").await;
    assert_eq!(
        (&changed["now"], &changed["before"]),
        (&"error".into(), &"debug".into())
    );
    log_in(&gate, &alice).await;
    gate.log.message(mark, "session ended").await;
    for line in gate.log.since(mark) {
        assert_eq!(line["target"], "saslgate::audit", "{line}");
    }

    for bad in ["inof", "saslgate=loud"] {
        let said = log(&[bad]).await;
        assert_eq!((said.code, said.output.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.complaints.contains("fix: write one of error"), "{said:?}");
    }
    assert_eq!(log(&[]).await.output, "error");

    log(&["trace"]).await;
    let mark = gate.log.mark();
    let address = gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    assert!(!client.log_in(&bob.login, &bob.password).await.is_yes());
    let trouble = gate.log.message(mark, "account in trouble").await;
    assert_ne!(trouble["target"], "saslgate::audit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_events_follow_the_level_where_the_operator_wants_it() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = Config::new(&sim)
        .account(&alice)
        .table("log", "format = \"json\"\naudit = false");
    let gate = Program::start(Place::new(&sim), &config).await;
    command::run(&gate.place, &["log", "error"]).await;
    let mark = gate.log.mark();
    log_in(&gate, &alice).await;
    command::run(&gate.place, &["log", "info"]).await;
    gate.log.message(mark, "log level changed").await;
    let lines = gate.log.since(mark);
    assert!(
        !lines.iter().any(|line| line["event"] == "login_accepted"),
        "{lines:?}"
    );
}

async fn log_in(gate: &Program, account: &Account) {
    let address = gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::logged_in(Protocol::Imap, address, account).await;
    client.ask("a LOGOUT").await;
    client.hang_up().await;
    client.rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_there_is_no_level_and_no_login() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE));
    let place = Place::new(&sim);
    place.configure(&config);
    for arguments in [&["log"][..], &["log", "debug"], &["trace", Demo::ALICE]] {
        let said = command::run(&place, arguments).await;
        assert_eq!((said.code, said.output.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.complaints.contains("no saslgate is running"), "{said:?}");
    }
}
