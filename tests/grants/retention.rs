//! A refresh token is never lost to what somebody says: not to a wrong password, and not to a provider in trouble.

use std::net::Ipv4Addr;
use std::time::Duration;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::directory::Platform;
use saslgate::sim::entra::{EntraError, Rotation, TokenFault};
use tokio::task::JoinSet;

use crate::people::{PEOPLE, SECRET, Signing, client_id, registration, text};
use crate::support::command;
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply};
use crate::support::place::Place;
use crate::support::{Gate as _, soon};

/// The secret after the one of the other tests.
const NEW: &str = "sim8Q~the-secret-of-next_year~of/the+tests=1";

struct Kept {
    signing: Signing,
    gate: InProcess,
    config: Config,
    account: Account,
}

impl Kept {
    /// A person who has signed in, once for all that follows.
    async fn new() -> Self {
        let signing = Signing::new();
        let account = signing.account("grace");
        let config = signing.config().account(&account);
        let gate = InProcess::start(Place::new(&signing.sim), &config);
        let said = signing.import(&gate.place, &account.login).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        Self {
            signing,
            gate,
            config,
            account,
        }
    }

    /// Starts again, so that the next login needs a token.
    async fn restart(self) -> Self {
        let InProcess { server, place, .. } = self.gate;
        server.stop().await;
        Self {
            gate: InProcess::start(place, &self.config),
            ..self
        }
    }

    async fn login(&self) -> Reply {
        let address = self.gate.addresses.of(Protocol::Imap);
        let mut client = MailClient::greeted(Protocol::Imap, address).await;
        client.log_in(&self.account.login, &self.account.password).await
    }
}

enum Trouble {
    Fault(TokenFault),
    Refusal(EntraError),
}

fn troubles() -> Vec<(&'static str, Trouble, Refusal)> {
    use Refusal::{ContactAdmin, Unavailable};
    let fault = |name, fault| (name, Trouble::Fault(fault), Unavailable);
    let no = |name, number, word, told| {
        let error = EntraError::new(number, word, "Said by a test.");
        (name, Trouble::Refusal(error), told)
    };
    vec![
        no("400 invalid_grant", 70_008, "invalid_grant", ContactAdmin),
        no("revoked", 50_173, "invalid_grant", ContactAdmin),
        no(
            "interaction_required",
            50_076,
            "interaction_required",
            ContactAdmin,
        ),
        no("AADSTS50196", 50_196, "invalid_grant", Unavailable),
        no("invalid_client", 7_000_215, "invalid_client", ContactAdmin),
        fault("429", TokenFault::TooManyRequests(Some("60".into()))),
        fault("500", TokenFault::ServerError),
        fault("503", TokenFault::Unavailable),
        fault("malformed", TokenFault::Body("{\"access_token\":".into())),
        fault("empty", TokenFault::Body(String::new())),
        fault(
            "null tokens",
            TokenFault::Body("{\"access_token\":null,\"refresh_token\":null}".into()),
        ),
        fault("closed mid-body", TokenFault::CloseMidBody),
        (
            "redirect",
            Trouble::Fault(TokenFault::Redirect("https://localhost:1/".into())),
            ContactAdmin,
        ),
        fault("huge", TokenFault::Huge(1 << 30)),
        fault("reset", TokenFault::Reset),
        fault("headers and then nothing", TokenFault::StallAfterHeaders),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refresh_token_works_after_whatever_the_provider_says_or_does() {
    let mut kept = Kept::new().await;
    let mut survived = 0;
    for (name, trouble, told) in troubles() {
        kept = kept.restart().await;
        match trouble {
            Trouble::Fault(fault) => kept.signing.sim.entra().fail(fault),
            Trouble::Refusal(error) => kept.signing.sim.entra().refuse(error),
        }
        let reply = kept.login().await;
        assert_eq!(reply.refusal(), Some(told), "{name}: {reply:?}");
        kept.signing.sim.entra().recover();
        // And not only in memory.
        kept = kept.restart().await;
        let reply = kept.login().await;
        assert!(reply.is_yes(), "{name}: {reply:?}");
        survived += 1;
    }
    assert_eq!(survived, 16);
    let asked = kept.signing.sim.entra().requests();
    assert!(
        asked
            .iter()
            .skip(1)
            .all(|request| request.grant == "refresh_token")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_wrong_local_passwords_ask_nobody_and_cost_nothing() {
    let kept = Kept::new().await.restart().await;
    let before = kept.signing.sim.entra().request_count();
    let mut all = JoinSet::new();
    for source in 1..=100 {
        let (address, login) = (kept.gate.addresses.of(Protocol::Imap), kept.account.login.clone());
        all.spawn(async move {
            let source = Ipv4Addr::new(127, 0, 1, source);
            let mut client = MailClient::greeted_from(source, Protocol::Imap, address).await;
            client.log_in(&login, &format!("guess number {source}")).await
        });
    }
    let replies = all.join_all().await;
    assert_eq!(replies.len(), 100);
    for reply in replies {
        let refusal = reply.refusal();
        let is_no = matches!(
            refusal,
            Some(Refusal::AuthenticationFailed | Refusal::LimitReached)
        );
        assert!(is_no, "{reply:?}");
    }
    assert_eq!(kept.signing.sim.entra().request_count(), before);
    let reply = kept.login().await;
    assert!(reply.is_yes(), "{reply:?}");
    assert_eq!(kept.signing.sim.entra().request_count(), before + 1);
}

/// A secret that ran out is the app's trouble: other apps go on, and nobody has to sign in again for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_client_secret_stops_its_own_app_alone_and_a_new_one_heals_it() {
    let signing = Signing::new();
    let platform = Platform::Web;
    signing
        .sim
        .directory()
        .add_app(registration(2, platform, signing.port).secret(SECRET));
    let text = text(2, "authorization_code", signing.port) + "client_secret_file = \"secret\"\n";
    let broken = signing.account("grace").app("broken");
    let (neighbour, machine) = (signing.account("ada"), Account::new(Demo::SUPPORT));
    let config = signing.config().app("broken", SIMULATOR, &text);
    let config = [&broken, &neighbour, &machine]
        .into_iter()
        .fold(config, Config::account);
    let place = Place::new(&signing.sim);
    place.write("secret", SECRET);
    let gate = InProcess::start(place, &config);
    for account in [&broken, &neighbour] {
        let said = signing.sign_in(&gate.place, &account.login).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    let mut gate = InProcess::start(place, &config);
    let signed_in = signing.sim.entra().visits().len();

    signing.sim.directory().change_app(&client_id(2), |app| {
        app.secrets.clear();
        *app = app.clone().secret(NEW);
    });
    let address = gate.addresses.of(Protocol::Imap);
    let login = async |account: &Account| {
        let mut client = MailClient::greeted(Protocol::Imap, address).await;
        client.log_in(&account.login, &account.password).await
    };
    let reply = login(&broken).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    for account in [&neighbour, &machine] {
        assert!(login(account).await.is_yes(), "{}", account.login);
    }
    let said = command::run(&gate.place, &["status"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.output.contains(&format!("{}  needs admin", broken.login)),
        "{}",
        said.output
    );
    assert!(
        said.output.contains(&format!("{}  ready", neighbour.login)),
        "{}",
        said.output
    );

    gate.place.write("secret", NEW);
    gate.reload(&config).await;
    let reply = login(&broken).await;
    assert!(reply.is_yes(), "{reply:?}");
    assert_eq!(
        signing.sim.entra().visits().len(),
        signed_in,
        "nobody signed in again"
    );
    assert!(config.text().contains(PEOPLE));
}

/// RFC 9700 4.14.2: with strict rotation a token is good once, and each has to be on the disk before the next is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_rotated_tokens_never_uses_one_twice_over_restarts() {
    let mut kept = Kept::new().await;
    kept.signing.sim.entra().rotation.set(Rotation::Strict);
    for _ in 0..10 {
        kept = kept.restart().await;
        let reply = kept.login().await;
        assert!(reply.is_yes(), "{reply:?}");
    }
    assert!(kept.signing.sim.entra().requests_of("refresh_token") >= 10);
    assert_eq!(kept.signing.sim.entra().refresh_reuses(), 0);
}

/// An account that is used once a quarter: 90 days without a refresh are the end of a refresh token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_too_old_is_kept_and_told() {
    let kept = Kept::new().await.restart().await;
    kept.signing.sim.entra().elapse(Duration::from_secs(91 * 86_400));
    let reply = soon("a login", kept.login()).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let said = command::run(&kept.gate.place, &["status"]).await;
    assert!(said.output.contains("needs sign-in"), "{}", said.output);
    // Whoever signs in again has mail at once.
    let said = kept.signing.import(&kept.gate.place, &kept.account.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(kept.login().await.is_yes());
}
