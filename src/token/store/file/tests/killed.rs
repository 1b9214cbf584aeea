//! A process that saves without pause is killed again and again: whatever it has acknowledged is there afterwards.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::token::store::{Swap, TokenStore as _};

/// Names the store to the child; without it the test that is the child does nothing.
const STORE: &str = "SASLGATE_TEST_STORE";

const KILLS: u32 = 60;

/// The child: it saves alice's record for ever, and says each generation that it was told is safe.
#[test]
fn child() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = FileStore::open(&settings(Path::new(&path), KEY)).await.unwrap().0;
        // The harness may have left a line unfinished.
        writeln!(std::io::stdout()).unwrap();
        let mut generation = store
            .load(grant(1))
            .await
            .unwrap()
            .map(|stored| stored.generation);
        loop {
            let token = "t".repeat(2_000);
            let swap = store
                .swap(grant(1), generation, sign_in("alice", &token))
                .await
                .unwrap();
            let Swap::Saved(new) = swap else {
                panic!("{swap:?}");
            };
            // Not by `println!`, which the test harness would keep.
            writeln!(std::io::stdout(), "saved {new}").unwrap();
            generation = Some(new);
        }
    });
}

fn spawn(rig: &Rig) -> Child {
    let me = std::env::current_exe().unwrap();
    let mut command = Command::new(me);
    command
        .args([
            "--exact",
            "token::store::file::tests::killed::child",
            "--nocapture",
        ])
        .env(STORE, rig.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command.spawn().unwrap()
}

/// The generations that a child acknowledges.
fn acknowledged(lines: impl Iterator<Item = String>) -> impl Iterator<Item = u64> {
    lines.filter_map(|line| line.strip_prefix("saved ").map(|number| number.parse().unwrap()))
}

/// A time up to a few saves long.
fn chance() -> Duration {
    Duration::from_micros(RandomState::new().hash_one(0) % 8_000)
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let rig = Rig::new();
    let mut last = 0;
    for kill in 0..KILLS {
        let mut child = spawn(&rig);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = acknowledged(lines.map_while(Result::ok));
        let first = said.next().unwrap();
        assert!(first > last, "kill {kill}: {first} after {last}");
        let until = Instant::now() + chance();
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        last = said.last().unwrap_or(first);

        let found = rig.recover().unwrap();
        assert!(
            found.notices.is_empty() && found.image.is_as_written(),
            "kill {kill}"
        );
        assert!(
            found.image.generation.0 >= last,
            "kill {kill}: {last} was acknowledged"
        );
        assert_eq!(tokens(&found.image)[0].len(), 2_000);
    }
    assert!(last >= u64::from(KILLS));
}
