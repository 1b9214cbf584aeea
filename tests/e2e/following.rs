//! A configuration that changes in its files, as editors, Kubernetes and people change them: nobody sends a signal.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::support::command::Running;
use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;

const RELOADED: &str = "configuration reloaded";

/// Longer than it takes until a change is noticed, and shorter than the look now and then.
const NOTHING_MORE: Duration = Duration::from_secs(3);

/// With alice and with bob, in turns: each of them is a change that a login shows.
struct Turns {
    alice: Account,
    bob: Account,
    with_bob: Config,
    without: Config,
}

impl Turns {
    fn new(sim: &Sim) -> Self {
        let (alice, bob) = (Account::new(Demo::ALICE), Account::new(Demo::BOB));
        Self {
            without: Config::new(sim).account(&alice),
            with_bob: Config::new(sim).account(&alice).account(&bob),
            alice,
            bob,
        }
    }

    /// Whether what is in use is what should be.
    async fn are_in_use(&self, gate: &Program, bobs: bool) {
        let address = gate.addresses.of(Protocol::Imap);
        MailClient::logged_in(Protocol::Imap, address, &self.alice).await;
        let mut client = MailClient::greeted(Protocol::Imap, address).await;
        let reply = client.log_in(&self.bob.login, &self.bob.password).await;
        assert_eq!(reply.is_yes(), bobs, "{reply:?}");
    }
}

fn reloads(lines: &[Value]) -> usize {
    lines.iter().filter(|line| line["message"] == RELOADED).count()
}

type Way = (&'static str, fn(&Path, &str));

const WAYS: [Way; 4] = [
    ("an editor's rename", |file, text| {
        let beside = file.with_extension("toml.swp");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, file).unwrap();
    }),
    ("truncated and written", |file, text| {
        fs::write(file, text).unwrap();
    }),
    ("deleted and restored", |file, text| {
        fs::remove_file(file).unwrap();
        fs::write(file, text).unwrap();
    }),
    ("replaced twice at once", |file, text| {
        fs::write(file, "[account").unwrap();
        fs::write(file, text).unwrap();
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_applied_twice_or_never() {
    let sim = Sim::start(Settings::default()).unwrap();
    let turns = Turns::new(&sim);
    let gate = Program::start(Place::new(&sim), &turns.without).await;
    let file = gate.place.path("saslgate.toml");
    let mut relaying =
        MailClient::logged_in(Protocol::Imap, gate.addresses.of(Protocol::Imap), &turns.alice).await;
    let mark = gate.log.mark();
    for (way, write) in WAYS {
        for (config, bobs) in [(&turns.with_bob, true), (&turns.without, false)] {
            let before = gate.log.mark();
            write(&file, &config.text());
            let line = gate.log.message(before, RELOADED).await;
            let plan = line["plan"].as_str().unwrap();
            let expected = if bobs { "+1 account" } else { "1 account removed" };
            assert!(plan.starts_with(expected), "{way}: {plan}");
            turns.are_in_use(&gate, bobs).await;
        }
    }
    tokio::time::sleep(NOTHING_MORE).await;
    assert_eq!(reloads(&gate.log.since(mark)), WAYS.len() * 2);
    assert!(relaying.is_relayed().await);
}

/// A `ConfigMap`: every name is a link into `..data`, which is a link that is swapped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_config_map_is_applied_twice_or_never() {
    let sim = Sim::start(Settings::default()).unwrap();
    let turns = Turns::new(&sim);
    let place = Place::new(&sim);
    let map = place.path("map");
    fs::create_dir(&map).unwrap();
    let swap = |version: usize, config: &Config| {
        let folder = map.join(format!("..{version}"));
        fs::create_dir(&folder).unwrap();
        let text = config.text().replace("\"ca.pem\"", "\"../ca.pem\"");
        let text = text.replace("client_secret_file = \"", "client_secret_file = \"../");
        fs::write(folder.join("saslgate.toml"), text).unwrap();
        symlink(format!("..{version}"), map.join("..data_tmp")).unwrap();
        fs::rename(map.join("..data_tmp"), map.join("..data")).unwrap();
        if version > 0 {
            fs::remove_dir_all(map.join(format!("..{}", version - 1))).unwrap();
        }
    };
    swap(0, &turns.without);
    symlink("..data/saslgate.toml", map.join("saslgate.toml")).unwrap();
    let listeners = turns.without.listeners.clone();
    let gate = Program::run(place, &map.join("saslgate.toml"), &listeners).await;
    let mark = gate.log.mark();
    for version in 1..=6 {
        let bobs = version % 2 == 1;
        let before = gate.log.mark();
        swap(version, if bobs { &turns.with_bob } else { &turns.without });
        gate.log.message(before, RELOADED).await;
        turns.are_in_use(&gate, bobs).await;
    }
    tokio::time::sleep(NOTHING_MORE).await;
    assert_eq!(reloads(&gate.log.since(mark)), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_client_secret_waits_for_a_hangup_signal() {
    let sim = Sim::start(Settings::default()).unwrap();
    let turns = Turns::new(&sim);
    let gate = Program::start(Place::new(&sim), &turns.without).await;
    let mark = gate.log.mark();

    gate.place
        .write(crate::support::config::DEMO_SECRET, "the-next-secret");

    let line = gate.log.message(mark, RELOADED).await;
    assert_eq!(line["plan"], "1 app changed, 3 listeners kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_a_reload_is_told_to_nobody() {
    let sim = Sim::start(Settings::default()).unwrap();
    let turns = Turns::new(&sim);
    let gate = Program::start(Place::new(&sim), &turns.without).await;
    let command = async |words: &[&str]| Running::start(&gate.place, words).end().await;

    let said = command(&["reload"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let (what, when) = said.output.trim().split_once("; ").unwrap();
    assert_eq!(what, "accounts and apps unchanged, 3 listeners kept");
    assert!(
        when.starts_with("nothing has changed since it was read ")
            && when.ends_with(" s ago (configuration 2)"),
        "{when}"
    );

    let mark = gate.log.mark();
    let broken = format!("[limits]\natempts = 3\n{}", turns.with_bob.text());
    gate.place.write("saslgate.toml", &broken);
    let refused = "not reloaded; the old configuration stays in use";
    gate.log.message(mark, refused).await;
    let said = command(&["reload"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.complaints.contains("saslgate.toml:2:1: error: "), "{said:?}");
    assert!(said.complaints.contains("did you mean `attempts`"), "{said:?}");

    let configuration = async || {
        let said = command(&["status", "--json"]).await;
        let status: Value = serde_json::from_str(&said.output).unwrap();
        status["configuration"].clone()
    };
    let standing = configuration().await;
    assert_eq!(standing["generation"], 2);
    let problems = standing["refused"].as_str().unwrap();
    assert!(problems.contains("saslgate.toml:2:1: error: "), "{problems}");

    gate.place.configure(&turns.with_bob);
    gate.log.message(mark, RELOADED).await;
    let standing = configuration().await;
    assert_eq!(standing["generation"], 3);
    assert_eq!(standing["refused"], Value::Null);
}
