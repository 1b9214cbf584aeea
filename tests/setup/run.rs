//! One run of the command, and what it wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The client id in the answers.
pub(crate) const CLIENT_ID: &str = crate::example::CLIENT_ID;

/// The Value of the client secret, with what such values really have in them.
pub(crate) const SECRET: &str = "gU8Q~a.Value_as-the-portal~shows/it+once=";

/// What was said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complained: String,
}

/// Runs `saslgate setup` with these arguments, and that as its standard input.
pub(crate) fn setup(arguments: &[&str], typed: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .arg("setup")
        .args(arguments)
        .env_remove("SASLGATE_CONTAINER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever has heard enough may be gone.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    Ran {
        code: status.code(),
        said: String::from_utf8(stdout).unwrap(),
        complained: String::from_utf8(stderr).unwrap(),
    }
}

/// Answers as somebody writes them, beside the secret's file.
pub(crate) fn answer(directory: &Path, text: &str) -> String {
    fs::write(directory.join("secret.txt"), format!("{SECRET}\n")).unwrap();
    let file = directory.join("answers.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Who may read a file.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The password on the card of a mailbox.
pub(crate) fn password(said: &str) -> Option<&str> {
    let lines = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("password "));
    let mut shown = lines.filter_map(|line| line.trim().strip_suffix("(shown this once)"));
    let password = shown.next().map(str::trim);
    assert_eq!(shown.next(), None, "one mailbox, one password");
    password
}
