//! Sign-ins whose place in the configuration has changed.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::entra::TokenFault;

use crate::people::Signing;
use crate::support::command;
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply};
use crate::support::place::Place;

struct Moved {
    signing: Signing,
    gate: InProcess,
    config: Config,
    account: Account,
}

impl Moved {
    /// A person has signed in; since then the tenant is written by its domain.
    async fn new() -> Self {
        let signing = Signing::new();
        let account = signing.account("grace");
        let config = signing.config().account(&account);
        let gate = InProcess::start(Place::new(&signing.sim), &config);
        assert_eq!(signing.import(&gate.place, &account.login).await.code, Some(0));
        let text = crate::people::text(1, "authorization_code", signing.port);
        let text = text.replace(Demo::TENANT, Demo::DOMAIN);
        let config = config.app(crate::people::PEOPLE, SIMULATOR, &text);
        let InProcess { server, place, .. } = gate;
        server.stop().await;
        Self {
            gate: InProcess::start(place, &config),
            signing,
            config,
            account,
        }
    }

    async fn login(&self) -> Reply {
        let address = self.gate.addresses.of(Protocol::Imap);
        let mut client = MailClient::greeted(Protocol::Imap, address).await;
        client.log_in(&self.account.login, &self.account.password).await
    }

    async fn status(&self) -> String {
        command::run(&self.gate.place, &["status"]).await.output
    }
}

const ORPHAN: &str = "nobody uses the sign-in of";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_goes_on_when_the_tenant_is_written_another_way() {
    let moved = Moved::new().await;
    let text = moved.status().await;
    assert!(text.contains(ORPHAN), "{text}");
    let reply = moved.login().await;
    assert!(reply.is_yes(), "{reply:?}");
    let text = moved.status().await;
    assert!(!text.contains(ORPHAN) && text.contains("signed in as"), "{text}");
    // Taken over for good.
    let InProcess { server, place, .. } = moved.gate;
    server.stop().await;
    let moved = Moved {
        gate: InProcess::start(place, &moved.config),
        ..moved
    };
    assert!(moved.login().await.is_yes());
    assert_eq!(moved.signing.sim.entra().requests_of("refresh_token"), 3);
}

/// No person is bothered because the provider could not be asked for a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_while_a_sign_in_is_taken_over_is_an_outage() {
    let faults = [
        TokenFault::ServerError,
        TokenFault::TooManyRequests(Some("60".into())),
        TokenFault::Reset,
    ];
    for fault in &faults {
        let mut moved = Moved::new().await;
        moved.signing.sim.entra().fail(fault.clone());
        let reply = moved.login().await;
        assert_eq!(
            reply.refusal(),
            Some(Refusal::Unavailable),
            "{fault:?}: {reply:?}"
        );
        moved.signing.sim.entra().recover();
        moved.gate.reread(&moved.config).await;
        assert!(moved.login().await.is_yes(), "{fault:?}");
    }
    assert_eq!(faults.len(), 3);
}

/// Whoever signs out means all of it: the next login must not find something to take over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_deletes_what_would_have_been_taken_over() {
    let moved = Moved::new().await;
    let said = command::run(&moved.gate.place, &["sign-out", &moved.account.login]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = moved.status().await;
    assert!(!text.contains(ORPHAN), "{text}");
    let reply = moved.login().await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_of_an_account_that_is_gone_is_listed_and_can_be_deleted() {
    let mut moved = Moved::new().await;
    let other = moved.signing.account("ada");
    let config = moved.config.clone().without(&moved.account.login).account(&other);
    moved.gate.reread(&config).await;
    let text = moved.status().await;
    assert!(
        text.contains(&format!("{ORPHAN} {}", moved.account.login)),
        "{text}"
    );
    let said = command::run(&moved.gate.place, &["sign-out", &moved.account.login]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!moved.status().await.contains(ORPHAN));
    let said = command::run(&moved.gate.place, &["sign-out", &moved.account.login]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.complaints.contains("no account answers to"), "{said:?}");
}
