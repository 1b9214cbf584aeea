//! Token commands, as people write them and as they go wrong. Each is a real process.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::*;
use crate::oauth::Kind;

/// What `sh -c SCRIPT sh ARGUMENTS` gives to a login of Bob's to a shared mailbox.
async fn run(script: &str, arguments: &[&str], limit: Duration) -> Result<Issued, TokenError> {
    let mut argv: Vec<Box<str>> = ["sh", "-c", script, "sh"].map(Into::into).into();
    argv.extend(arguments.iter().map(|argument| Box::from(*argument)));
    start(argv, "shared@contoso.com", limit).await
}

async fn start(argv: Vec<Box<str>>, mailbox: &str, limit: Duration) -> Result<Issued, TokenError> {
    let (mailbox, owner) = (
        Mailbox::parse(mailbox).unwrap(),
        Mailbox::parse("bob@contoso.com").unwrap(),
    );
    let command = Command { argv, timeout: limit };
    let whom = For {
        mailbox: &mailbox,
        owner: &owner,
    };
    Commands::default().token(&command, whom).await
}

async fn printed(script: &str, arguments: &[&str]) -> String {
    let issued = run(script, arguments, LONG).await.unwrap();
    issued.token.expose().clone()
}

async fn error(script: &str) -> TokenError {
    run(script, &[], LONG).await.unwrap_err()
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

/// Waits until a process is gone, or dead and waiting for its parent.
async fn is_dead(pid: &str) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat
            .rsplit_once(") ")
            .is_none_or(|(_, state)| state.starts_with('Z'))
        {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// A place where a script leaves the number of a process.
fn note() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid").to_str().unwrap().to_owned();
    (directory, path)
}

/// The number that a script has left there, as soon as it has.
async fn noted(path: &str) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(pid) if pid.ends_with('\n') => return pid.trim().to_owned(),
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_command_knows_for_whom_it_runs() {
    let script = r#"printf '%s' "$1|$2|$SASLGATE_MAILBOX|$SASLGATE_OWNER""#;
    assert_eq!(
        printed(script, &["--user={mailbox}", "{owner}"]).await,
        "--user=shared@contoso.com|bob@contoso.com|shared@contoso.com|bob@contoso.com"
    );
}

#[tokio::test]
async fn no_shell_reads_a_name() {
    let argv = ["printf", "%s", "{mailbox}"].map(Box::from).into();
    let issued = start(argv, "$(id);`id`|@contoso.com", LONG).await.unwrap();
    assert_eq!(issued.token.expose(), "$(id);`id`|@contoso.com");
}

#[tokio::test]
async fn a_name_can_not_be_an_option() {
    let argv: Vec<Box<str>> = ["printf", "%s", "{mailbox}"].map(Box::from).into();
    let error = start(argv, "--help@contoso.com", LONG).await.unwrap_err();
    assert_eq!(error.kind, Kind::Misconfigured);
    assert!(error.fix.contains("SASLGATE_MAILBOX"), "{error}");
}

#[tokio::test]
async fn a_command_that_asks_something_gets_no_answer() {
    assert_eq!(printed("cat; echo tok", &[]).await, "tok");
}

#[tokio::test]
async fn a_failing_command_is_told_in_its_own_last_words() {
    let error = error("echo starting >&2; echo 'bob: no such account' >&2; exit 3").await;
    assert!(error.is_temporary());
    assert_eq!(error.what, "the command sh failed (exit status: 3)");
    assert_eq!(error.detail.as_deref(), Some("starting bob: no such account"));

    let killed = run("kill -9 $$", &[], LONG).await.unwrap_err();
    assert_eq!(killed.what, "the command sh failed (signal: 9 (SIGKILL))");
}

#[tokio::test]
async fn the_end_of_a_long_complaint_is_what_is_shown() {
    let error = error("for i in $(seq 20000); do echo \"line $i\"; done >&2; exit 1").await;
    let detail = error.detail.unwrap();
    assert!(
        detail.starts_with('…') && detail.ends_with("line 19999 line 20000"),
        "{detail}"
    );
    assert!(detail.chars().count() <= SHOWN + 2, "{detail}");
}

#[tokio::test]
async fn a_word_that_was_cut_is_not_shown() {
    let error = error("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo ' the reason' >&2; exit 1").await;
    assert_eq!(error.detail.as_deref(), Some("the reason"));
}

#[tokio::test]
async fn a_token_is_never_in_an_error() {
    let cases = [
        // It fails after it has printed, and tells what it does.
        "set -x; echo CANARYtoken; exit 1",
        r#"set -x; echo '{"access_token":"CANARYtoken"}'; exit 1"#,
        // Its output is more than a token.
        "echo CANARYtoken; echo CANARYtoken",
        r#"echo '{"access_token":"CANARYtoken","expires_on":1}'"#,
        r#"echo '{"access_token":["CANARYtoken"]}'"#,
        "echo 'token: CANARYtoken'",
        // It never ends.
        "echo CANARYtoken; echo CANARYtoken >&2; sleep 1000",
    ];
    for script in cases {
        let error = run(script, &[], SHORT).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("CANARY"), "{script}: {shown}");
    }
    assert_eq!(cases.len(), 7);
}

#[tokio::test]
async fn what_is_not_a_token_is_told_what_to_print() {
    let error = error("echo 'Please sign in at https://login.example'").await;
    assert_eq!(error.kind, Kind::Misconfigured);
    assert_eq!(error.what, "the command sh printed no usable token");
    assert!(error.fix.contains("access_token"), "{}", error.fix);

    let old = run(r#"echo '{"access_token":"tok","expires_on":1}'"#, &[], LONG)
        .await
        .unwrap_err();
    assert!(old.is_temporary(), "{old}");
}

#[tokio::test]
async fn output_without_end_is_cut_and_the_command_ended() {
    let (_directory, path) = note();
    let error = run("echo $$ > \"$1\"; exec yes", &[&path], LONG)
        .await
        .unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("it prints more than 64 KiB"));
    assert!(is_dead(&noted(&path).await).await);
}

#[tokio::test]
async fn a_command_that_does_not_end_is_ended_with_its_children() {
    let (_directory, path) = note();
    let error = run("sleep 1000 & echo $! > \"$1\"; wait", &[&path], SHORT)
        .await
        .unwrap_err();
    assert!(error.is_temporary());
    assert!(error.what.contains("was ended"), "{error}");
    assert!(is_dead(&noted(&path).await).await);
}

#[tokio::test]
async fn a_command_ends_when_nobody_wants_its_token_any_more() {
    let (_directory, path) = note();
    let script = "sleep 1000 & echo $! > \"$1\"; wait";
    let arguments = [path.as_str()];
    let child = tokio::select! {
        _ = run(script, &arguments, LONG) => panic!("it ended"),
        child = noted(&path) => child,
    };
    assert!(is_dead(&child).await);
}

#[tokio::test]
async fn what_a_command_leaves_running_holds_no_login_up() {
    let (_directory, path) = note();
    let started = Instant::now();
    let issued = run("sleep 1000 & echo $! > \"$1\"; echo tok", &[&path], LONG)
        .await
        .unwrap();
    assert_eq!(issued.token.expose(), "tok");
    assert!(started.elapsed() < Duration::from_secs(10));

    let left: i32 = noted(&path).await.parse().unwrap();
    kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).expect("it is the operator's and still runs");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_the_operators_to_mend() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    for program in [Path::new("/nonexistent/print-token"), &plain] {
        let argv = vec![program.to_str().unwrap().into()];
        let error = start(argv, "bob@contoso.com", LONG).await.unwrap_err();
        assert_eq!(error.kind, Kind::Misconfigured, "{error}");
        assert!(error.what.contains(program.to_str().unwrap()));
    }
    let none = start(Vec::new(), "bob@contoso.com", LONG).await.unwrap_err();
    assert_eq!(none.kind, Kind::Misconfigured);
}
