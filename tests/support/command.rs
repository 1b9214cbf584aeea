//! A command of the real program, such as `saslgate sign-in`, as an operator types it.

use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};

use super::log::Log;
use super::place::Place;
use super::program::binary;
use super::soon;

/// A command under way. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) output: Log,
    pub(crate) complaints: Log,
}

/// What a command has said, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) complaints: String,
}

impl Running {
    /// Starts it with the configuration that is in the place.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(arguments)
            .arg("--config")
            .arg(place.path("saslgate.toml"))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: Log::reading(child.stdout.take().unwrap()),
            complaints: Log::reading(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Types a line.
    pub(crate) async fn types(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The address that it shows for the browser, as soon as it does.
    pub(crate) async fn address(&self) -> String {
        let address = |line: &str| {
            line.trim()
                .starts_with("https://")
                .then(|| line.trim().to_owned())
        };
        self.output.find(0, "an address for the browser", address).await
    }

    /// Ends it as Ctrl-C does.
    pub(crate) async fn interrupt(mut self) {
        self.child.kill().await.unwrap();
    }

    /// How it ended, and all it said.
    pub(crate) async fn end(mut self) -> Said {
        drop(self.input.take());
        let exit: ExitStatus = soon("the command's end", self.child.wait()).await.unwrap();
        self.output.end().await;
        self.complaints.end().await;
        Said {
            code: exit.code(),
            output: self.output.lines().join("\n"),
            complaints: self.complaints.lines().join("\n"),
        }
    }
}

/// Runs a command with nothing on its standard input.
pub(crate) async fn run(place: &Place, arguments: &[&str]) -> Said {
    Running::start(place, arguments).end().await
}
