//! A program of the operator's: the alert on its standard input, the most wanted words of it in its environment.

use std::env;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::alert::Alert;
use super::courier::Undelivered;
use crate::name::shown;
use crate::subprocess::{Group, read_end};

/// How long it may run. It has to reach somebody, and the next alert waits for it.
const LIMIT: Duration = Duration::from_secs(30);

/// How long its output is waited for once it has ended: something that it left running may hold the other end open.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How much of the end of what it says is kept, in bytes.
const KEPT: usize = 2 * 1024;

/// How much of that is shown.
const SHOWN: usize = 400;

/// Where programs are, if our own environment does not say so.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Tells one alert. Dropping this ends the program with all that it has started.
pub(super) async fn tell(argv: &[Box<str>], alert: &Alert, json: &Value) -> Result<(), Undelivered> {
    tell_within(LIMIT, argv, alert, json).await
}

async fn tell_within(
    limit: Duration,
    argv: &[Box<str>],
    alert: &Alert,
    json: &Value,
) -> Result<(), Undelivered> {
    let Some((program, arguments)) = argv.split_first() else {
        return Ok(());
    };
    let child = start(program, arguments, alert).map_err(|error| not_started(program, &error))?;
    let mut said = Vec::new();
    let ended = timeout(limit, finish(child, format!("{json}\n"), &mut said)).await;
    let words = shown(&said, SHOWN);
    tracing::debug!(program = &**program, output = words, "alert command");
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(Undelivered {
            what: format!("the alert command {program} failed ({status})"),
            why: "what it said is in the log at level debug (saslgate::hook=debug)".into(),
            fix: "run it by hand as the user that saslgate runs as, with the JSON of an alert on its standard input".into(),
        }),
        Ok(Err(error)) => Err(not_started(program, &error)),
        Err(_) => Err(Undelivered {
            what: format!("the alert command {program} was ended: it ran longer than {} s", limit.as_secs()),
            why: "it waits for something: for a network, a person, or its input although that has ended".into(),
            fix: "run it by hand as the user that saslgate runs as, with the JSON of an alert on its standard input".into(),
        }),
    }
}

/// With nothing of our own environment but what programs need to find others: it may hold secrets.
fn start(program: &str, arguments: &[Box<str>], alert: &Alert) -> io::Result<Child> {
    Command::new(program)
        .args(arguments.iter().map(AsRef::as_ref as fn(&Box<str>) -> &str))
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into()))
        .envs(env::var_os("HOME").map(|home| ("HOME", home)))
        .env("SASLGATE_EVENT", alert.event().name())
        .env("SASLGATE_ACCOUNT", alert.one_account().unwrap_or_default())
        .env("SASLGATE_STATE", alert.state())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Waits for its end, and reads what it says meanwhile: a full pipe would stop it.
async fn finish(mut child: Child, input: String, said: &mut Vec<u8>) -> io::Result<ExitStatus> {
    // Dropped before the child.
    let mut group = Group::of(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut complaint = Vec::new();
    let status = {
        let talking = async {
            tokio::try_join!(
                write(stdin, &input),
                read_end(stdout, KEPT, said),
                read_end(stderr, KEPT, &mut complaint)
            )
        };
        tokio::pin!(talking);
        tokio::select! {
            talked = &mut talking => {
                talked?;
                child.wait().await?
            }
            status = child.wait() => {
                // What a program leaves in the background may keep our pipes open.
                timeout(AFTERWARDS, talking).await.unwrap_or(Ok(((), (), ())))?;
                status?
            }
        }
    };
    group.ended();
    said.extend(complaint);
    Ok(status)
}

/// A program that takes no input is none the worse for it.
async fn write(stdin: Option<ChildStdin>, input: &str) -> io::Result<()> {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    Ok(())
}

fn not_started(program: &str, error: &io::Error) -> Undelivered {
    Undelivered {
        what: format!("the alert command {program} can't be run"),
        why: error.to_string(),
        fix: "give its full path in `command` of [alert], and make it executable for the user that saslgate runs as".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    async fn run(script: &str, argument: &Path, limit: Duration) -> Result<(), Undelivered> {
        let argument = argument.to_str().unwrap();
        let argv = ["sh", "-c", script, "sh", argument].map(Into::into);
        let alert = Alert::test();
        tell_within(limit, &argv, &alert, &alert.json("gate.example")).await
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_command_gets_json_and_three_words_and_nothing_of_our_environment() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("heard");
        run("cat > \"$1\"; env | sort >> \"$1\"", &to, LONG)
            .await
            .unwrap();
        let heard = fs::read_to_string(to).unwrap();
        let (json, environment) = heard.split_once('\n').unwrap();
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            (&json["event"], &json["host"]),
            (&"test".into(), &"gate.example".into())
        );
        // A shell sets some of its own.
        let own = ["PWD", "SHLVL", "_", "OLDPWD"];
        let names = environment.lines().map(|line| line.split('=').next().unwrap());
        let names: Vec<_> = names.filter(|name| !own.contains(name)).collect();
        let known = [
            "HOME",
            "PATH",
            "SASLGATE_ACCOUNT",
            "SASLGATE_EVENT",
            "SASLGATE_STATE",
        ];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        assert!(
            names.len() >= 4 && environment.contains("SASLGATE_EVENT=test\n"),
            "{environment}"
        );
        assert!(
            env::var_os("CARGO_MANIFEST_DIR").is_some(),
            "there was something to keep back"
        );
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_what_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("pid");
        let script = "sleep 600 & echo $! > \"$1\"; wait";
        let begun = Instant::now();
        let told = run(script, &to, Duration::from_millis(500)).await.unwrap_err();
        assert!(told.what.contains("was ended"), "{told:?}");
        let pid = fs::read_to_string(to).unwrap();
        let gone = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_none_or(|(_, state)| state.starts_with('Z'))
        };
        while !gone() {
            assert!(begun.elapsed() < LONG, "its child goes on");
            tokio::task::yield_now().await;
        }
    }

    /// A gigabyte goes by and is not kept.
    #[tokio::test]
    async fn a_command_may_print_whatever_it_likes() {
        let none = Path::new("");
        run(
            "head -c 1000000000 /dev/zero; head -c 10000000 /dev/zero >&2",
            none,
            LONG,
        )
        .await
        .unwrap();
        // One that takes no input has done its work all the same.
        run("exec < /dev/null; exit 0", none, LONG).await.unwrap();
        let told = run("echo no network >&2; exit 3", none, LONG).await.unwrap_err();
        assert!(
            told.what.contains("exit status: 3") && !format!("{told:?}").contains("network"),
            "{told:?}"
        );
        let gone = ["/no/such/program".into()];
        let alert = Alert::test();
        let told = tell(&gone, &alert, &alert.json("x")).await.unwrap_err();
        assert!(told.what.contains("can't be run"), "{told:?}");
    }
}
