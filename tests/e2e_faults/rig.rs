//! A saslgate between mail clients and a simulator that fails on request.

use std::fs;
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals, SmtpRefusal};
use saslgate::sim::faults::{self, Action, Fault, Moment};
use saslgate::sim::{Demo, Settings, Sim};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::until;

/// One test at a time: descriptors are counted.
pub(crate) static ALONE: Mutex<()> = Mutex::const_new(());

/// How soon everything of a failed session is gone.
const GONE: Duration = Duration::from_secs(5);

/// What goes wrong.
pub(crate) const ACTIONS: [Action; 4] = [Action::Reset, Action::Finish, Action::Stall, Action::Garbage];

/// How TLS starts upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamTls {
    Implicit,
    StartTls,
}

/// Mail clients' side and upstream's side of one saslgate.
pub(crate) struct Rig {
    pub(crate) sim: Sim,
    pub(crate) gate: InProcess,
    pub(crate) account: Account,
    pub(crate) refused: Account,
    healthy: Vec<(Protocol, MailClient)>,
    descriptors: usize,
    tasks: usize,
}

impl Rig {
    /// With a healthy session in two protocols: faults of one protocol must not touch it.
    pub(crate) async fn new(tls: UpstreamTls) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let (account, refused) = (Account::new(Demo::ALICE), Account::new(Demo::BOB));
        let config = Config::new(&sim).account(&account).account(&refused);
        let config = config.upstream_tls(
            &sim,
            match tls {
                UpstreamTls::Implicit => "implicit",
                UpstreamTls::StartTls => "starttls",
            },
        );
        let gate = InProcess::start(Place::new(&sim), &config);
        let mut rig = Self {
            sim,
            gate,
            account,
            refused,
            healthy: Vec::new(),
            descriptors: 0,
            tasks: 0,
        };
        rig.plan_refusals();
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let client = MailClient::logged_in(protocol, rig.gate.addresses.of(protocol), &rig.account).await;
            rig.healthy.push((protocol, client));
        }
        rig.descriptors = descriptors();
        rig.tasks = tasks();
        rig
    }

    /// Somebody is refused after an error challenge.
    fn plan_refusals(&self) {
        self.sim.exchange().error_challenges.set(1);
        let mailbox = self.sim.directory().mailbox(&self.refused.login).unwrap();
        mailbox.refusals.set(Refusals {
            imap: Some(ImapRefusal::Denied),
            pop3: Some(Pop3Refusal::Denied),
            smtp: Some(SmtpRefusal::Unsuccessful),
            sending: None,
        });
    }

    /// Who has to log in for that moment to come.
    pub(crate) fn whose(&self, moment: Moment) -> &Account {
        if moment == Moment::Challenge {
            &self.refused
        } else {
            &self.account
        }
    }

    /// Plans a fault for the protocol.
    pub(crate) fn plan(&self, protocol: Protocol, fault: Fault) {
        let protocol = match protocol {
            Protocol::Imap => faults::Protocol::Imap,
            Protocol::Pop3 => faults::Protocol::Pop3,
            Protocol::Smtp => faults::Protocol::Smtp,
        };
        self.sim.exchange().faults.plan(fault.on(protocol));
    }

    /// Connects and hears the greeting.
    pub(crate) async fn greeted(&self, protocol: Protocol) -> MailClient {
        MailClient::greeted(protocol, self.gate.addresses.of(protocol)).await
    }

    /// After a cell: the other session goes on, and nothing is left of the one that failed.
    pub(crate) async fn is_as_before(&mut self, protocol: Protocol, cell: &str) {
        let healthy = self.healthy.iter_mut().find(|(of, _)| *of != protocol);
        assert!(
            healthy.unwrap().1.is_relayed().await,
            "{cell}: another session was harmed"
        );
        self.nothing_is_left(cell).await;
    }

    /// Sessions, upstream connections, descriptors and tasks are as many as before.
    async fn nothing_is_left(&self, cell: &str) {
        let sessions = self.healthy.len();
        let what = format!("{cell}: what is left of the session is gone");
        until(GONE, &what, || {
            let upstream = usize::try_from(self.sim.exchange().counts().open).unwrap();
            (self.gate.server.logged_in(), upstream) == (sessions, sessions)
                && descriptors() <= self.descriptors
                && tasks() <= self.tasks
        })
        .await;
    }
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many tasks this runtime has.
fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}
