//! A supervisor that holds the listening socket and wants to hear how far saslgate is (systemd's socket activation and
//! `Type=notify`), without systemd.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use rustix::process::Signal;
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use tokio::net::UnixDatagram;

use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::soon;

/// What a supervisor has.
struct Supervisor {
    alice: Account,
    socket: TcpListener,
    address: SocketAddr,
    heard: UnixDatagram,
    notify: PathBuf,
    config: PathBuf,
    place: std::sync::Arc<Place>,
}

impl Supervisor {
    fn new(sim: &Sim) -> Self {
        let place = Place::new(sim);
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let alice = Account::new(Demo::ALICE);
        let listener = format!("protocol = \"imap\"\nbind = \"{address}\"");
        let config = Config::new(sim)
            .account(&alice)
            .listeners([])
            .table("[listener]", &listener);
        let notify = place.path("notify");
        Self {
            alice,
            socket,
            address,
            heard: UnixDatagram::bind(&notify).unwrap(),
            notify,
            config: place.configure(&config),
            place: place.into(),
        }
    }

    async fn start(&self) -> Program {
        Program::supervised(self.place.clone(), &self.config, &self.socket, &self.notify).await
    }

    /// The next that saslgate says.
    async fn hears(&self) -> String {
        let mut said = vec![0; 1024];
        let length = soon("a word to the supervisor", self.heard.recv(&mut said))
            .await
            .unwrap();
        said.truncate(length);
        String::from_utf8(said).unwrap()
    }
}

#[tokio::test]
async fn a_supervisor_is_not_told_how_far_saslgate_is() {
    let sim = Sim::start(Settings::default()).unwrap();
    let supervisor = Supervisor::new(&sim);
    let mut gate = supervisor.start().await;

    let ready = supervisor.hears().await;
    assert_eq!(
        ready,
        "READY=1\nSTATUS=accounts: 1, addresses: 1, configuration 1\n"
    );

    gate.signal(Signal::HUP);
    let reloading = supervisor.hears().await;
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    let ready = supervisor.hears().await;
    assert_eq!(
        ready,
        "READY=1\nSTATUS=accounts: 1, addresses: 1, configuration 2\n"
    );

    gate.signal(Signal::TERM);
    assert_eq!(supervisor.hears().await, "STOPPING=1\n");
    assert_eq!(gate.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_connection_between_two_processes_is_refused() {
    let sim = Sim::start(Settings::default()).unwrap();
    let supervisor = Supervisor::new(&sim);
    let mut gate = supervisor.start().await;
    MailClient::logged_in(Protocol::Imap, supervisor.address, &supervisor.alice).await;
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit().await.code(), Some(0));

    // Nobody accepts; the kernel lets it wait.
    let waiting = MailClient::connect(Protocol::Imap, supervisor.address).await;

    let _gate = supervisor.start().await;
    let mut waiting = waiting;
    assert!(waiting.line().await.starts_with("* OK"));
    let reply = waiting
        .log_in(&supervisor.alice.login, &supervisor.alice.password)
        .await;
    assert!(reply.is_yes(), "{reply:?}");
}

#[tokio::test]
async fn a_socket_that_no_listener_names_keeps_mail_clients_waiting_in_silence() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut supervisor = Supervisor::new(&sim);
    supervisor.socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = supervisor.socket.local_addr().unwrap();
    // The configured address has to be free for saslgate to bind it itself.
    let gate = supervisor.start().await;
    let line = gate
        .log
        .wait(0, "the socket", |line| line["address"] == elsewhere.to_string())
        .await;
    assert_eq!(line["level"], "WARN");
    assert!(line["fix"].as_str().unwrap().contains("[[listener]]"), "{line}");
    MailClient::logged_in(Protocol::Imap, supervisor.address, &supervisor.alice).await;
}
