//! The commands that somebody types beside the running program.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use url::Url;

use crate::support::log::Log;
use crate::support::soon;

/// A terminal on the machine with that configuration.
pub(crate) struct Terminal {
    config: PathBuf,
}

impl Terminal {
    pub(crate) fn new(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saslgate"));
        command
            .args(arguments)
            .env("SASLGATE_CONFIG", &self.config)
            // The person's browser is played by the test.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let output = command.stdin(Stdio::null()).output();
        Ended::of(soon("a command's end", output).await.unwrap())
    }

    /// Begins a command that talks with a person.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Talking {
        let mut child = self.command(arguments).spawn().unwrap();
        Talking {
            said: Log::reading(child.stdout.take().unwrap()),
            complained: Log::reading(child.stderr.take().unwrap()),
            child,
        }
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complained: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A command that waits for somebody.
pub(crate) struct Talking {
    child: Child,
    said: Log,
    complained: Log,
}

impl Talking {
    /// The address that it wants opened.
    pub(crate) async fn address(&self) -> Url {
        let read = |line: &str| Url::parse(line.trim()).ok().filter(|url| url.scheme() == "https");
        self.said.find(0, "an address to open", read).await
    }

    /// The line after the one that ends like this and an empty one.
    pub(crate) async fn line_below(&self, ending: &str) -> String {
        let has_it = |line: &str| line.ends_with(ending).then_some(());
        self.said.find(0, ending, has_it).await;
        let is_indented = |line: &str| line.starts_with("  ").then(|| line.trim().to_owned());
        self.said.find(0, "what to type", is_indented).await
    }

    /// Pastes a line.
    pub(crate) async fn paste(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn end(mut self) -> Ended {
        let status = soon("a command's end", self.child.wait()).await.unwrap();
        self.said.end().await;
        self.complained.end().await;
        Ended {
            code: status.code(),
            said: self.said.lines().join("\n"),
            complained: self.complained.lines().join("\n"),
        }
    }
}
