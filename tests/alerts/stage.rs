//! A saslgate with a hook script and a receiver of webhooks.

use std::fs;
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::receiver::Receiver;
use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply};
use crate::support::place::Place;
use crate::support::until;

/// How long an alert may take: it waits some seconds for others.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What a hook script appends its input to.
const HEARD: &str = "heard";

/// The content of the file of the webhook's header.
pub(crate) const HEADER: &str = "Bearer canary-of-the-webhook-0123456789";

/// A configuration whose alerts go to a script in this place.
pub(crate) fn by_command(config: Config, place: &Place, more: &str) -> Config {
    let heard = place.path(HEARD);
    let command = ["/bin/sh", "-c", "cat >> \"$1\"", "sh", heard.to_str().unwrap()];
    config.table("alert", &format!("command = {command:?}\n{more}"))
}

/// What the script has heard.
pub(crate) fn heard(place: &Place) -> Vec<Value> {
    let text = fs::read_to_string(place.path(HEARD)).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until the script has heard so many.
pub(crate) async fn heard_so_many(place: &Place, count: usize) -> Vec<Value> {
    until(SOON, "alerts by the command", || heard(place).len() >= count).await;
    heard(place)
}

/// Support's mailbox can be opened and then not; alerts go by all three ways, mail by Alice.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) receiver: Receiver,
    pub(crate) gate: InProcess,
    pub(crate) support: Account,
    pub(crate) alice: Account,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let (support, alice) = (Account::new(Demo::SUPPORT), Account::new(Demo::ALICE));
        let receiver = Receiver::start().await;
        let place = Place::new(&sim);
        place.write("webhook.header", HEADER);
        let more = format!(
            "webhook = \"{}\"\nwebhook_header_file = \"webhook.header\"\nmail_from = \"{}\"\nmail_to = [\"{}\"]",
            receiver.url(),
            Demo::ALICE,
            Demo::BOB
        );
        let config = Config::new(&sim).account(&support).account(&alice);
        let config = by_command(config, &place, &more);
        Self {
            gate: InProcess::start(place, &config),
            receiver,
            sim,
            support,
            alice,
        }
    }

    pub(crate) async fn log_in(&self, account: &Account) -> Reply {
        log_in(&self.gate, account).await
    }

    /// Whether IMAP is switched on for a mailbox.
    pub(crate) fn imap(&self, address: &str, is_on: bool) {
        let mailbox = self.sim.directory().mailbox(address).unwrap();
        mailbox.switches.change(|switches| switches.imap = is_on);
    }

    /// Waits until each way has been used so often, and no way more.
    pub(crate) async fn each_has_told(&self, count: usize) {
        until(SOON, "alerts by every way", || {
            let told = self.told();
            assert!(told.iter().all(|told| *told <= count), "{told:?}");
            told == [count; 3]
        })
        .await;
    }

    fn told(&self) -> [usize; 3] {
        [
            heard(&self.gate.place).len(),
            self.receiver.heard().len(),
            self.sim.exchange().sent().len(),
        ]
    }
}

pub(crate) async fn log_in(gate: &InProcess, account: &Account) -> Reply {
    let address = gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    client.log_in(&account.login, &account.password).await
}
