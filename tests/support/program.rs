//! The real program, as an operator runs it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use saslgate::provider::Protocol;
use tokio::process::{Child, Command};

use super::config::Config;
use super::log::{Log, field};
use super::place::Place;
use super::{Addresses, Gate, Tls, soon};

/// The program under test. The long proofs name another build, which nobody replaces while they run.
pub(crate) fn binary() -> String {
    std::env::var("SASLGATE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_saslgate").to_owned())
}

/// A running `saslgate run`. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) pid: Pid,
    pub(crate) log: Log,
    /// What it wrote to standard output.
    pub(crate) output: Log,
    pub(crate) addresses: Addresses,
    pub(crate) place: Arc<Place>,
}

impl Program {
    /// Starts it, and waits until it says that it is ready.
    pub(crate) async fn start(place: impl Into<Arc<Place>>, config: &Config) -> Self {
        Self::start_with(place, config, &[]).await
    }

    /// The same with these environment variables.
    pub(crate) async fn start_with(
        place: impl Into<Arc<Place>>,
        config: &Config,
        environment: &[(&str, String)],
    ) -> Self {
        let place = place.into();
        let path = place.configure(config);
        Self::run_with(place, &path, &config.listeners, environment).await
    }

    /// The same with a file that is there already, and has these listeners.
    pub(crate) async fn run(
        place: impl Into<Arc<Place>>,
        path: &Path,
        listeners: &[(Protocol, Tls)],
    ) -> Self {
        Self::run_with(place.into(), path, listeners, &[]).await
    }

    async fn run_with(
        place: Arc<Place>,
        path: &Path,
        listeners: &[(Protocol, Tls)],
        environment: &[(&str, String)],
    ) -> Self {
        let (child, log, output) = spawn(path, environment).await;
        Self {
            pid: Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(),
            addresses: Addresses::new(listeners, listening(&log)),
            child,
            log,
            output,
            place,
        }
    }

    /// Starts it as a supervisor does that holds one listening socket, which becomes the new process's descriptor 0.
    pub(crate) async fn supervised(
        place: impl Into<Arc<Place>>,
        path: &Path,
        socket: &std::net::TcpListener,
        notify: &Path,
    ) -> Self {
        let notify = notify.display().to_string();
        let environment = [
            ("LISTEN_FDS", "1".to_owned()),
            ("LISTEN_FDS_FIRST_FD", "0".to_owned()),
            ("NOTIFY_SOCKET", notify),
        ];
        let socket = OwnedFd::from(socket.try_clone().unwrap());
        let (child, log, output) = spawn_with(path, &environment, socket.into()).await;
        Self {
            pid: Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(),
            addresses: Addresses::default(),
            child,
            log,
            output,
            place: place.into(),
        }
    }

    /// Starts it once more, after its end.
    pub(crate) async fn run_again(&mut self, path: &Path, listeners: &[(Protocol, Tls)]) {
        (self.child, self.log, self.output) = spawn(path, &[]).await;
        self.pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        self.addresses = Addresses::new(listeners, listening(&self.log));
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Has it read another configuration, and hands back the mark in the log before that.
    pub(crate) fn reread(&self, config: &Config) -> usize {
        self.place.configure(config);
        let mark = self.log.mark();
        self.signal(Signal::HUP);
        mark
    }

    /// How it ended. All that it wrote has been read then.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let exit = soon("the program's end", self.child.wait()).await.unwrap();
        self.log.end().await;
        self.output.end().await;
        exit
    }
}

/// Whoever reads of a failed test wants to know what the program said of it.
impl Drop for Program {
    fn drop(&mut self) {
        const SHOWN: usize = 20;
        if std::thread::panicking() {
            let lines = self.log.lines();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            eprintln!("the program's last lines:\n{}", last.join("\n"));
        }
    }
}

impl Gate for Program {
    fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    async fn reload(&mut self, config: &Config) {
        let mark = self.reread(config);
        self.log.message(mark, "configuration reloaded").await;
    }
}

async fn spawn(path: &Path, environment: &[(&str, String)]) -> (Child, Log, Log) {
    spawn_with(path, environment, Stdio::null()).await
}

async fn spawn_with(path: &Path, environment: &[(&str, String)], input: Stdio) -> (Child, Log, Log) {
    let mut child = Command::new(binary())
        .arg("run")
        .arg("--config")
        .arg(path)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let log = Log::reading(child.stderr.take().unwrap());
    let output = Log::reading(child.stdout.take().unwrap());
    let config_read = |line: &str| field(line, "config");
    log.find(0, "ready", config_read).await;
    (child, log, output)
}

/// The addresses that it says it listens on, in its order.
fn listening(log: &Log) -> Vec<(Protocol, SocketAddr)> {
    let read = |line: &String| {
        let (name, address) = (field(line, "protocol")?, field(line, "address")?);
        let protocol = Protocol::ALL.into_iter().find(|known| known.name() == name);
        Some((protocol?, address.parse().ok()?))
    };
    log.lines().iter().filter_map(read).collect()
}
