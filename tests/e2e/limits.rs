//! Who takes more than there is: connections, time, descriptors.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Tls, soon, within};

fn listeners(tls: Tls) -> Vec<(Protocol, Tls)> {
    Protocol::ALL
        .into_iter()
        .flat_map(|protocol| [(protocol, "off"), (protocol, tls)])
        .collect()
}

fn full_house(protocol: Protocol) -> String {
    let code = match protocol {
        Protocol::Imap => "* BYE [LIMIT]",
        Protocol::Pop3 => "-ERR [SYS/TEMP]",
        Protocol::Smtp => "421 4.7.0",
    };
    format!("{code} {}", Refusal::LimitReached.sentence())
}

#[tokio::test]
async fn a_connection_too_many_is_not_told_why_or_keeps_its_place() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = Config::new(&sim)
        .account(&alice)
        .listeners(listeners("implicit"))
        .table("limits", "connections = 4");
    let gate = InProcess::start(Place::new(&sim), &config);
    let plain = |protocol| gate.addresses.of(protocol);
    let trusting = gate.place.trusting();
    let mut inside = Vec::new();
    for protocol in Protocol::ALL {
        inside.push(MailClient::logged_in(protocol, plain(protocol), &alice).await);
    }
    inside.push(MailClient::greeted(Protocol::Imap, plain(Protocol::Imap)).await);

    let mut turned_away = 0;
    for protocol in Protocol::ALL {
        let mut clear = MailClient::connect(protocol, plain(protocol)).await;
        let implicit = gate.addresses.with_tls(protocol, "implicit");
        let mut secured = MailClient::connect(protocol, implicit)
            .await
            .start_tls(&trusting)
            .await
            .unwrap();
        for client in [&mut clear, &mut secured] {
            let told = client.rest().await;
            assert!(told.starts_with(&full_house(protocol)), "{protocol}: {told:?}");
            assert_eq!(told.matches("\r\n").count(), 1, "{told:?}");
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 6);
    for client in &mut inside[..3] {
        assert!(client.is_relayed().await, "who is inside stays inside");
    }

    inside.pop();
    let next = async {
        loop {
            let mut client = MailClient::connect(Protocol::Pop3, plain(Protocol::Pop3)).await;
            if client.line().await.starts_with("+OK") {
                return client.log_in(&alice.login, &alice.password).await;
            }
        }
    };
    assert!(soon("a place", next).await.is_yes());
}

#[tokio::test]
async fn a_full_house_waits_for_the_tls_hellos_of_those_it_has_no_place_for() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners(listeners("implicit"))
        .table("limits", "connections = 1\nlogin_seconds = 600");
    let gate = InProcess::start(Place::new(&sim), &config);
    let _inside = MailClient::greeted(Protocol::Imap, gate.addresses.of(Protocol::Imap)).await;
    let mut silent = TcpStream::connect(gate.addresses.with_tls(Protocol::Imap, "implicit"))
        .await
        .unwrap();
    let mut byte = [0; 1];
    let end = silent.read(&mut byte);
    assert_eq!(
        within(Duration::from_secs(30), "the end", end).await.unwrap_or(0),
        0
    );
}

/// How slow sockets waste our time.
#[derive(Clone, Copy)]
enum Slowness {
    Silent,
    /// A byte now and then, never a line end: only a deadline in all ends it.
    Drip,
    /// A command now and then.
    Chat,
    /// STARTTLS and no hello.
    NoHello,
}

/// Wastes time until the socket is gone; how long that took.
async fn waste(protocol: Protocol, address: SocketAddr, slowness: Slowness) -> Duration {
    let begun = Instant::now();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let bytes: &[u8] = match (slowness, protocol) {
        (Slowness::Silent, _) => b"",
        (Slowness::Drip, _) => b"a",
        (Slowness::Chat, Protocol::Imap) => b"a NOOP\r\n",
        (Slowness::Chat, _) => b"NOOP\r\n",
        (Slowness::NoHello, Protocol::Imap) => b"a STARTTLS\r\n",
        (Slowness::NoHello, Protocol::Pop3) => b"STLS\r\n",
        (Slowness::NoHello, Protocol::Smtp) => b"STARTTLS\r\n",
    };
    let mut beats = interval(Duration::from_millis(700));
    let mut heard = [0; 512];
    let mut said = false;
    loop {
        tokio::select! {
            count = socket.read(&mut heard) => match count {
                Ok(1..) => {}
                _ => return begun.elapsed(),
            },
            _ = beats.tick() => {
                let once = matches!(slowness, Slowness::NoHello);
                if !(once && said) {
                    let _ = socket.write_all(bytes).await;
                }
                said = true;
            }
        }
    }
}

#[tokio::test]
async fn slow_sockets_stay_for_ever_or_keep_others_out() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let mut modes = listeners("starttls");
    modes.extend(Protocol::ALL.map(|protocol| (protocol, "implicit")));
    let config = Config::new(&sim)
        .account(&alice)
        .listeners(modes)
        .table("limits", "login_seconds = 5");
    let gate = InProcess::start(Place::new(&sim), &config);
    let mut slow = JoinSet::new();
    for protocol in Protocol::ALL {
        for (tls, slowness) in [
            ("off", Slowness::Silent),
            ("off", Slowness::Drip),
            ("off", Slowness::Chat),
            ("starttls", Slowness::NoHello),
            ("implicit", Slowness::Silent),
        ] {
            for _ in 0..10 {
                slow.spawn(waste(protocol, gate.addresses.with_tls(protocol, tls), slowness));
            }
        }
    }

    for protocol in Protocol::ALL {
        MailClient::logged_in(protocol, gate.addresses.of(protocol), &alice).await;
    }

    let times = soon("the end of every slow socket", slow.join_all()).await;
    assert_eq!(times.len(), 150);
    for time in times {
        assert!(
            time >= Duration::from_secs(4),
            "ended after {time:?}: who was that?"
        );
        assert!(
            time < Duration::from_secs(20),
            "ended after {time:?} instead of 5 s"
        );
    }
}

/// CPU time that a process has used so far.
fn cpu(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    // proc(5): the fields behind the name in parentheses; utime and stime are the 14th and 15th of all.
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = [11, 12].map(|at| fields[at].parse::<u64>().unwrap()).iter().sum();
    Duration::from_millis(ticks * 10)
}

fn allow_descriptors(pid: Pid, count: u64) {
    let limits = prlimit(
        Some(pid),
        Resource::Nofile,
        Rlimit {
            current: Some(count),
            maximum: Some(4_096),
        },
    );
    limits.unwrap();
}

#[tokio::test]
async fn without_descriptors_the_program_spins_or_drops_sessions_or_never_recovers() {
    const COMPLAINT: &str =
        "can't accept connections for now; if this lasts, raise the limit of open files (ulimit -n)";
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let gate = Program::start(Place::new(&sim), &Config::new(&sim).account(&alice)).await;
    let address = gate.addresses.of(Protocol::Imap);
    let mut relaying = MailClient::logged_in(Protocol::Imap, address, &alice).await;

    allow_descriptors(gate.pid, 40);
    let mut crowd = Vec::new();
    for _ in 0..60 {
        crowd.push(TcpStream::connect(address).await.unwrap());
    }
    gate.log.message(0, COMPLAINT).await;

    // F17 of the fault catalogue: less than a twentieth of a core while nothing can be accepted.
    let (before, window) = (cpu(gate.pid), Duration::from_secs(2));
    tokio::time::sleep(window).await;
    let used = cpu(gate.pid).saturating_sub(before);
    assert!(used < window / 20, "{used:?} of CPU in {window:?}");
    assert!(relaying.is_relayed().await);
    let complaints = gate.log.since(0);
    let complaints = complaints.iter().filter(|line| line["message"] == COMPLAINT);
    assert_eq!(complaints.count(), 1, "one complaint in ten seconds");

    drop(crowd);
    let login = MailClient::logged_in(Protocol::Imap, address, &alice);
    within(
        Duration::from_secs(10),
        "a login once there are descriptors",
        login,
    )
    .await;
}
