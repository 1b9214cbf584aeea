//! `saslgate test` as a person and a script meet it: which step fails, what is said of it, the exit code, and that nothing is
//! sent and no token told.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod failing;
mod running;
mod told;

use std::process::{Output, Stdio};

use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;
use tokio::process::Command;

use crate::support::config::Config;
use crate::support::place::Place;
use crate::support::soon;

/// What a command ended with.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    /// Whatever is told, no token and no secret is in it.
    fn of(output: Output) -> Self {
        let told = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for text in [&told.out, &told.err] {
            // Every token of the simulator is a JWT, which begins so in base64; XOAUTH2's message begins with `user=`.
            for secret in ["eyJ", "Bearer", "dXNlcj", Demo::CLIENT_SECRET] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
        told
    }

    /// The steps, one JSON line each.
    fn steps(&self) -> Vec<Value> {
        let lines = self.out.lines();
        let steps =
            lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        steps.collect()
    }

    /// The one step that failed.
    fn failed(&self) -> Value {
        let mut failed: Vec<_> = self
            .steps()
            .into_iter()
            .filter(|step| step.get("failed").is_some())
            .collect();
        assert_eq!(failed.len(), 1, "{}{}", self.out, self.err);
        failed.pop().unwrap()
    }
}

/// Runs `saslgate test` with the configuration in that folder.
async fn test(place: &Place, args: &[&str]) -> Told {
    let child = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .arg("test")
        .args(args)
        .arg("--config")
        .arg(place.path("saslgate.toml"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    Told::of(soon("the command's end", child).await.unwrap())
}

/// A simulator, a folder, and a configuration whose state stays in that folder.
fn start() -> (Sim, Place, Config) {
    let sim = Sim::start(Settings::default()).unwrap();
    let (place, config) = (Place::new(&sim), Config::new(&sim));
    (sim, place, config)
}

/// Waits for the sessions to end, and holds that they touched one mailbox and left nothing in it.
async fn nothing_was_sent(sim: &Sim, account: &str) {
    let ended = sim.exchange().until(|counts, _| counts.open == 0);
    soon("the end of all sessions", ended).await;
    assert!(sim.exchange().sent().is_empty());
    for session in sim.exchange().sessions() {
        assert!(
            session.user.as_deref().is_none_or(|user| user == account),
            "{session:?}"
        );
    }
}
